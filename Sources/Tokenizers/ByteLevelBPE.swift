/// A byte-level byte-pair encoding: text to token ids and back, for any text.
public struct ByteLevelBPE: Sendable {
    /// The token that begins a text, if any.
    public let beginID: Int32?
    /// The token that ends a text, if any.
    public let endID: Int32?

    private let vocabulary: Vocabulary
    private let byteIDs: [Int32?]
    private let merger: PairMerger
    private let rule: PreTokenizer
    private let specialIDs: Set<Int32>
    private let addedIDs: Set<Int32>
    private let added: NamedTokens
    private let addedAndSpecial: NamedTokens
    private let addsBegin: Bool
    private let ignoresMerges: Bool

    /// - Throws: `TokenizerError` when the kind of tokenizer is not built in or its parts do not fit each other.
    public init(_ metadata: TokenizerMetadata) throws(TokenizerError) {
        guard metadata.model == TokenizerMetadata.byteLevelBPE else { throw .unknownModel(metadata.model) }
        rule = try PreTokenizer(named: metadata.preTokenizer)
        vocabulary = try Vocabulary(metadata.tokens)
        byteIDs = try vocabulary.byteIDs()
        merger = try PairMerger(metadata.merges, vocabulary)
        added = try NamedTokens(metadata.addedIDs, vocabulary)
        addedAndSpecial = try NamedTokens(metadata.addedIDs + metadata.specialIDs, vocabulary)
        specialIDs = Set(metadata.specialIDs)
        addedIDs = Set(metadata.addedIDs)
        beginID = try vocabulary.checked(metadata.beginID)
        endID = try vocabulary.checked(metadata.endID)
        addsBegin = metadata.addsBegin
        ignoresMerges = metadata.ignoresMerges
    }

    /// How many tokens there are; ids lie below it.
    public var vocabularySize: Int { vocabulary.tokens.count }

    /// The id of a token as the vocabulary spells it (`Ġgreat` for " great"), or nil.
    public func id(of token: String) -> Int32? { vocabulary.id(of: token) }

    /// Whether a token controls the model and stands for no text.
    public func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

    /// The tokens of a text. A byte for which the vocabulary has no token is left out, as in the reference.
    ///
    /// - Parameters:
    ///   - recognisingSpecialTokens: whether the names of special tokens in the text become those tokens.
    ///     Only for text that the program itself made: in a user's text a name is just letters.
    ///   - addingBegin: whether the begin token goes in front, if the model was trained with it there. For a text that
    ///     begins a sequence; a label word or a later part of a prompt does not.
    public func encode(
        _ text: String, recognisingSpecialTokens: Bool = false, addingBegin: Bool = false
    ) -> [Int32] {
        var ids: [Int32] = []
        if addingBegin, addsBegin, let beginID { ids.append(beginID) }
        for piece in (recognisingSpecialTokens ? addedAndSpecial : added).split(text) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let scalars): appendPlain(scalars, to: &ids)
            }
        }
        return ids
    }

    /// The text of tokens. Bytes that are no UTF-8, as at a cut inside a character, become U+FFFD; ids that are no
    /// tokens are left out.
    ///
    /// - Parameter skippingSpecialTokens: whether special tokens are left out rather than named.
    public func decode(_ ids: [Int32], skippingSpecialTokens: Bool = false) -> String {
        String(decoding: ids.flatMap { bytes(of: $0, skippingSpecialTokens: skippingSpecialTokens) }, as: UTF8.self)
    }

    /// The bytes that a token stands for.
    func bytes(of id: Int32, skippingSpecialTokens: Bool) -> [UInt8] {
        guard vocabulary.tokens.indices.contains(Int(id)) else { return [] }
        let token = vocabulary.tokens[Int(id)]
        if specialIDs.contains(id) { return skippingSpecialTokens ? [] : Array(token.utf8) }
        return addedIDs.contains(id) ? Array(token.utf8) : ByteAlphabet.decode(token)
    }

    private func appendPlain(_ scalars: [Unicode.Scalar], to ids: inout [Int32]) {
        for word in WordScanner(scalars, rule).words() {
            let bytes = scalars[word].flatMap { $0.utf8 }
            if ignoresMerges, let whole = vocabulary.id(of: ByteAlphabet.encode(bytes)), !specialIDs.contains(whole) {
                ids.append(whole)
            } else {
                ids += merger.merge(bytes.compactMap { byteIDs[Int($0)] })
            }
        }
    }
}
