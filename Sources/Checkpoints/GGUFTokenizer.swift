import Tokenizers

extension GGUFFile {
    /// What a token is to a GGUF file.
    private enum TokenKind {
        static let control = 3
        static let userDefined = 4
    }

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
        let kinds = try list("\(prefix)token_type", of: "whole numbers") { $0.integer } ?? []
        guard kinds.isEmpty || kinds.count == tokens.count else {
            throw .wrongValue(file: path, key: "\(prefix)token_type", expected: "a list of \(tokens.count) numbers")
        }
        func ids(_ kind: Int) -> [Int32] { kinds.indices.filter { kinds[$0] == kind }.map { Int32($0) } }
        let preTokenizer = try required("\(prefix)pre", self.text)
        // Files of Llama-3 do not say these two: they are what readers do for the pre-tokenizer's name.
        let isLlama3 = (try? PreTokenizer(named: preTokenizer)) == .llama3
        let beginID = try tokenID("\(prefix)bos_token_id", count: tokens.count)
        return TokenizerMetadata(
            model: try required("\(prefix)model", self.text), preTokenizer: preTokenizer, tokens: tokens,
            merges: merges, specialIDs: ids(TokenKind.control), addedIDs: ids(TokenKind.userDefined),
            beginID: beginID, endID: try tokenID("\(prefix)eos_token_id", count: tokens.count),
            addsBegin: try flag("\(prefix)add_bos_token") ?? (isLlama3 && beginID != nil),
            ignoresMerges: isLlama3, chatTemplate: try self.text("tokenizer.chat_template"))
    }

    private func tokenID(_ key: String, count: Int) throws(GGUFError) -> Int32? {
        guard let id = try integer(key) else { return nil }
        guard (0..<count).contains(id), let id = Int32(exactly: id) else {
            throw .wrongValue(file: path, key: key, expected: "one of the \(count) token ids")
        }
        return id
    }

    private func flag(_ key: String) throws(GGUFError) -> Bool? {
        guard let value = metadata[key] else { return nil }
        guard case .flag(let flag) = value else { throw .wrongValue(file: path, key: key, expected: "true or false") }
        return flag
    }
}
