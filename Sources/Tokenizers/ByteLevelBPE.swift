/// A byte-level byte-pair encoding: text to token ids and back, for any text.
public struct ByteLevelBPE: Sendable {
    private let vocabulary: Vocabulary
    private let byteIDs: [Int32?]
    private let merger: PairMerger
    private let rule: PreTokenizer
    private let specials: SpecialTokens

    /// - Parameters:
    ///   - tokens: in the byte alphabet of GPT-2; a token's id is its place.
    ///   - merges: pairs of tokens with a space between them, best first.
    ///   - specialTokens: ids of the tokens that stand for no text, such as the end of a turn.
    /// - Throws: `TokenizerError` when the parts do not fit each other.
    public init(
        tokens: [String], merges: [String], preTokenizer: PreTokenizer, specialTokens: [Int32]
    ) throws(TokenizerError) {
        vocabulary = try Vocabulary(tokens)
        byteIDs = try vocabulary.byteIDs()
        merger = try Self.merger(merges, vocabulary)
        rule = preTokenizer
        specials = try SpecialTokens(specialTokens, vocabulary)
    }

    /// How many tokens there are; ids lie below it.
    public var vocabularySize: Int { vocabulary.tokens.count }

    /// The id of a token as the vocabulary spells it (`Ġgreat` for " great"), or nil.
    public func id(of token: String) -> Int32? { vocabulary.id(of: token) }

    /// The tokens of a text. A byte for which the vocabulary has no token is left out, as in the reference.
    ///
    /// - Parameter recognisingSpecialTokens: whether the names of special tokens in the text become those tokens.
    ///   Only for text that the program itself made: in a user's text a name is just letters.
    public func encode(_ text: String, recognisingSpecialTokens: Bool = false) -> [Int32] {
        guard recognisingSpecialTokens else { return encodePlain(Array(text.unicodeScalars)) }
        return specials.split(text).flatMap { piece in
            switch piece {
            case .token(let id): [id]
            case .text(let scalars): encodePlain(scalars)
            }
        }
    }

    /// The text of tokens. Bytes that are no UTF-8, as at a cut inside a character, become U+FFFD; ids that are no
    /// tokens are left out.
    public func decode(_ ids: [Int32]) -> String {
        let bytes = ids.flatMap { id in
            vocabulary.tokens.indices.contains(Int(id)) ? ByteAlphabet.decode(vocabulary.tokens[Int(id)]) : []
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func encodePlain(_ scalars: [Unicode.Scalar]) -> [Int32] {
        var ids: [Int32] = []
        for word in WordScanner(scalars, rule).words() {
            let symbols = scalars[word].flatMap { $0.utf8.compactMap { byteIDs[Int($0)] } }
            ids += merger.merge(symbols)
        }
        return ids
    }

    private static func merger(
        _ merges: [String], _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> PairMerger {
        var merger = PairMerger()
        for (rank, merge) in merges.enumerated() {
            let parts = merge.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw .malformedMerge(rank: rank, merge: merge)
            }
            func known(_ token: String) throws(TokenizerError) -> Int32 {
                guard let id = vocabulary.id(of: token) else {
                    throw .unknownTokenInMerge(rank: rank, merge: merge, token: token)
                }
                return id
            }
            let result = try known(parts[0] + parts[1])
            guard merger.append(try known(parts[0]), try known(parts[1]), result: result) else {
                throw .duplicateMerge(rank: rank, merge: merge)
            }
        }
        return merger
    }
}
