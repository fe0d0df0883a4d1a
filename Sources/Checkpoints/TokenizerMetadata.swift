/// What a model file says about its tokenizer, as it stands there.
public struct TokenizerMetadata: Sendable, Equatable {
    /// The kind of tokenizer, `"gpt2"` for byte-level byte-pair encoding.
    public let model: String
    /// How text is cut into words before merging, such as `"smollm"`.
    public let preTokenizer: String
    /// The tokens in the alphabet of byte-level tokenizers; a token's id is its place.
    public let tokens: [String]
    /// Pairs of tokens with a space between them, best first.
    public let merges: [String]
    /// For each token its kind: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. Empty when not given.
    public let tokenTypes: [Int]
    /// The token that begins a text, if any.
    public let beginID: Int32?
    /// The token that ends a text, if any.
    public let endID: Int32?
    /// The template, in Jinja, that turns a chat into text.
    public let chatTemplate: String?

    /// The tokens that stand for no text of their own: control and user-defined ones.
    public var specialIDs: [Int32] {
        tokenTypes.enumerated().compactMap { $1 == 3 || $1 == 4 ? Int32($0) : nil }
    }
}

extension GGUFFile {
    /// The tokenizer's part of the metadata.
    ///
    /// - Throws: `GGUFError` when a part is missing or of the wrong kind, or the parts do not fit each other.
    public func tokenizerMetadata() throws(GGUFError) -> TokenizerMetadata {
        let prefix = "tokenizer.ggml."
        let text = { (value: GGUFValue) -> String? in if case .text(let text) = value { text } else { nil } }
        let tokens = try required("\(prefix)tokens") { key throws(GGUFError) in
            try list(key, of: "texts", text)
        }
        let merges = try required("\(prefix)merges") { key throws(GGUFError) in
            try list(key, of: "texts", text)
        }
        let types = try list("\(prefix)token_type", of: "whole numbers") { $0.integer } ?? []
        guard types.isEmpty || types.count == tokens.count else {
            throw .wrongValue(file: path, key: "\(prefix)token_type", expected: "a list of \(tokens.count) numbers")
        }
        return TokenizerMetadata(
            model: try required("\(prefix)model", self.text),
            preTokenizer: try required("\(prefix)pre", self.text),
            tokens: tokens, merges: merges, tokenTypes: types,
            beginID: try tokenID("\(prefix)bos_token_id", count: tokens.count),
            endID: try tokenID("\(prefix)eos_token_id", count: tokens.count),
            chatTemplate: try self.text("tokenizer.chat_template"))
    }

    private func tokenID(_ key: String, count: Int) throws(GGUFError) -> Int32? {
        guard let id = try integer(key) else { return nil }
        guard (0..<count).contains(id), let id = Int32(exactly: id) else {
            throw .wrongValue(file: path, key: key, expected: "one of the \(count) token ids")
        }
        return id
    }
}
