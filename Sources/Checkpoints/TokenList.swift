/// Tokens of a hub folder by their ids, checked to be numbered from 0 without gaps.
struct TokenList {
    let tokens: [String]
    private let ids: [String: Int]

    /// - Parameter added: tokens that may or may not stand in the vocabulary, too.
    /// - Throws: `HubTokenizerError` when ids contradict each other or leave gaps.
    init(_ vocabulary: [String: Int], added: [(token: String, id: Int)], file: String) throws(HubTokenizerError) {
        var ids = vocabulary
        for (token, id) in added {
            if let other = ids.updateValue(id, forKey: token), other != id {
                throw .contradictoryToken(file: file, token: token, ids: [other, id])
            }
        }
        let sorted = ids.sorted { $0.value < $1.value }
        for (place, entry) in sorted.enumerated() where entry.value != place {
            guard place > 0, entry.value == place - 1 else {
                throw .strayID(file: file, token: entry.key, id: entry.value, expected: place)
            }
            throw .duplicateID(file: file, id: entry.value, tokens: [sorted[place - 1].key, entry.key].sorted())
        }
        guard Int32(exactly: sorted.count) != nil else {
            throw .malformed(file: file, reason: "it has \(sorted.count) tokens")
        }
        tokens = sorted.map(\.key)
        self.ids = ids
    }

    /// The id of a token, or nil.
    subscript(token: String) -> Int32? { ids[token].flatMap { Int32(exactly: $0) } }
}
