/// Tokens and their ids. Tokens are compared byte by byte: to `String`, differently encoded accents are equal.
struct Vocabulary: Sendable {
    let tokens: [String]
    private let ids: [[UInt8]: Int32]

    /// - Throws: `TokenizerError` when a token occurs twice or there are too many.
    init(_ tokens: [String]) throws(TokenizerError) {
        guard tokens.count <= Int(Int32.max) else { throw .tooManyTokens(tokens.count) }
        var ids: [[UInt8]: Int32] = Dictionary(minimumCapacity: tokens.count)
        for (id, token) in tokens.enumerated() {
            if let first = ids.updateValue(Int32(id), forKey: Array(token.utf8)) {
                throw .duplicateToken(token: token, ids: [Int(first), id])
            }
        }
        self.tokens = tokens
        self.ids = ids
    }

    func id(of token: some StringProtocol) -> Int32? { ids[Array(token.utf8)] }

    /// The id itself.
    ///
    /// - Throws: `TokenizerError.specialTokenOutside` when there is no such token.
    func checked(_ id: Int32?) throws(TokenizerError) -> Int32? {
        guard let id else { return nil }
        guard tokens.indices.contains(Int(id)) else { throw .specialTokenOutside(id: id, count: tokens.count) }
        return id
    }

    /// The id of each byte's token, or nil where there is none.
    ///
    /// - Throws: `TokenizerError.missingByteTokens` when ordinary text could not be spelt. Vocabularies do lack bytes:
    ///   those that never occur in UTF-8, and rare control characters.
    func byteIDs() throws(TokenizerError) -> [Int32?] {
        let ids = ByteAlphabet.characters.map { id(of: String(Character($0))) }
        let missing = (UInt8.min...UInt8.max).filter { ids[Int($0)] == nil && isOrdinary($0) }
        guard missing.isEmpty else { throw .missingByteTokens(missing) }
        return ids
    }

    /// Printable ASCII, tabs and line ends, and the bytes of UTF-8 up to the lead byte of most emoji.
    private func isOrdinary(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x80...0xBF, 0xC2...0xF0: true
        default: false
        }
    }
}
