/// Tokens that are found by name in text before it is cut into words.
struct NamedTokens: Sendable {
    enum Piece: Equatable {
        case text([Unicode.Scalar])
        case token(Int32)
    }

    /// Names by their first character, longest first.
    private let byFirst: [Unicode.Scalar: [(name: [Unicode.Scalar], id: Int32)]]

    /// - Throws: `TokenizerError.specialTokenOutside`.
    init(_ ids: [Int32], _ vocabulary: Vocabulary) throws(TokenizerError) {
        var byFirst: [Unicode.Scalar: [(name: [Unicode.Scalar], id: Int32)]] = [:]
        for id in ids {
            _ = try vocabulary.checked(id)
            let name = Array(vocabulary.tokens[Int(id)].unicodeScalars)
            if let first = name.first { byFirst[first, default: []].append((name, id)) }
        }
        self.byFirst = byFirst.mapValues { $0.sorted { $0.name.count > $1.name.count } }
    }

    /// The text between named tokens, and these, in order. Of names that begin at one place the longest counts.
    func split(_ text: String) -> [Piece] {
        let scalars = Array(text.unicodeScalars)
        guard !byFirst.isEmpty else { return scalars.isEmpty ? [] : [.text(scalars)] }
        var pieces: [Piece] = []
        var textStart = 0
        var position = 0
        while position < scalars.count {
            guard let match = byFirst[scalars[position]]?.first(where: { scalars[position...].starts(with: $0.name) })
            else {
                position += 1
                continue
            }
            if textStart < position { pieces.append(.text(Array(scalars[textStart..<position]))) }
            pieces.append(.token(match.id))
            position += match.name.count
            textStart = position
        }
        if textStart < scalars.count { pieces.append(.text(Array(scalars[textStart...]))) }
        return pieces
    }
}
