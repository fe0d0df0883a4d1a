/// What a model's files say about its tokenizer, whatever their format.
public struct TokenizerMetadata: Sendable, Equatable {
    /// The only kind of tokenizer there is so far, as GGUF names it: byte-level byte-pair encoding.
    public static let byteLevelBPE = "gpt2"

    /// The kind of tokenizer, `"gpt2"` for byte-level byte-pair encoding.
    public var model: String
    /// How text is cut into words before merging, by GGUF's names, such as `"smollm"`.
    public var preTokenizer: String
    /// The tokens in the alphabet of byte-level tokenizers; a token's id is its place.
    public var tokens: [String]
    /// Pairs of tokens with a space between them, best first.
    public var merges: [String]
    /// The tokens that control the model and stand for no text, such as the end of a turn, in the order of their ids.
    public var specialIDs: [Int32]
    /// The tokens that are text, but are found whole in it before it is cut into words, in the order of their ids.
    public var addedIDs: [Int32]
    /// The token that begins a text, if any.
    public var beginID: Int32?
    /// The token that ends a text, if any.
    public var endID: Int32?
    /// Whether the model was trained with the begin token in front of every text.
    public var addsBegin: Bool
    /// Whether a word that is a token becomes that token, whatever the merges would make of it.
    public var ignoresMerges: Bool
    /// The template, in Jinja, that turns a chat into text.
    public var chatTemplate: String?

    /// - Parameters: as the properties of these names.
    public init(
        model: String = byteLevelBPE, preTokenizer: String, tokens: [String], merges: [String],
        specialIDs: [Int32] = [], addedIDs: [Int32] = [], beginID: Int32? = nil, endID: Int32? = nil,
        addsBegin: Bool = false, ignoresMerges: Bool = false, chatTemplate: String? = nil
    ) {
        self.model = model
        self.preTokenizer = preTokenizer
        self.tokens = tokens
        self.merges = merges
        self.specialIDs = specialIDs
        self.addedIDs = addedIDs
        self.beginID = beginID
        self.endID = endID
        self.addsBegin = addsBegin
        self.ignoresMerges = ignoresMerges
        self.chatTemplate = chatTemplate
    }

    /// The bytes of UTF-8 for which no token stands alone: text with one of them cannot be brought back from its tokens.
    public var missingBytes: [UInt8] {
        let known = Set(tokens.lazy.filter { $0.unicodeScalars.count == 1 }.compactMap(\.unicodeScalars.first))
        return (UInt8.min...0xF4).filter { byte in
            !(0xC0...0xC1).contains(byte) && !known.contains(ByteAlphabet.characters[Int(byte)])
        }
    }
}
