/// Merges neighbouring tokens, the best-ranked pair first and of equals the leftmost, until no pair has a merge
/// (Sennrich et al., 2016). Time grows as n log n in the length of a word: every place is offered once at first and at
/// most twice after each of the fewer than n merges, so the heap never takes more than 3n candidates.
struct PairMerger: Sendable {
    struct Merge: Sendable {
        let rank: Int32
        let result: Int32
    }

    private var merges: [UInt64: Merge] = [:]

    /// - Parameter merges: pairs of tokens with a space between them, best first.
    /// - Throws: `TokenizerError` when a merge is none, takes or makes an unknown token, or occurred before.
    init(_ merges: [String], _ vocabulary: Vocabulary) throws(TokenizerError) {
        self.merges.reserveCapacity(merges.count)
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
            guard append(try known(parts[0]), try known(parts[1]), result: result) else {
                throw .duplicateMerge(rank: rank, merge: merge)
            }
        }
    }

    /// Adds a merge of a lower rank than all before it.
    ///
    /// - Returns: false, and changes nothing, when the pair has a merge already.
    private mutating func append(_ left: Int32, _ right: Int32, result: Int32) -> Bool {
        let pair = key(left, right)
        guard merges[pair] == nil else { return false }
        merges[pair] = Merge(rank: Int32(merges.count), result: result)
        return true
    }

    /// The tokens that remain of a word.
    func merge(_ word: [Int32]) -> [Int32] {
        var chain = TokenChain(word)
        var candidates = Heap<Candidate>()
        func offer(_ left: Int) {
            guard let right = chain.after(left), let merge = self[chain.tokens[left], chain.tokens[right]]
            else { return }
            candidates.insert(Candidate(rank: merge.rank, position: left, result: merge.result))
        }
        for position in word.indices { offer(position) }
        while let best = candidates.removeFirst() {
            // A candidate is stale when a neighbour or itself was merged since it was offered.
            guard chain.isAlive(best.position), let right = chain.after(best.position),
                self[chain.tokens[best.position], chain.tokens[right]]?.result == best.result
            else { continue }
            chain.join(best.position, right, result: best.result)
            if let left = chain.before(best.position) { offer(left) }
            offer(best.position)
        }
        return chain.remaining
    }

    private subscript(left: Int32, right: Int32) -> Merge? { merges[key(left, right)] }

    private func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}

/// A merge that was possible when it was offered.
private struct Candidate: Comparable {
    let rank: Int32
    let position: Int
    let result: Int32

    static func < (a: Self, b: Self) -> Bool { (a.rank, a.position) < (b.rank, b.position) }
}

/// The tokens of a word as a doubly linked list over an array.
private struct TokenChain {
    private(set) var tokens: [Int32]
    private var previous: [Int]
    private var next: [Int]
    private var alive: [Bool]

    init(_ word: [Int32]) {
        tokens = word
        previous = Array(-1..<max(word.count - 1, 0))
        next = Array(1..<word.count + 1)
        alive = Array(repeating: true, count: word.count)
    }

    func isAlive(_ position: Int) -> Bool { alive[position] }
    func after(_ position: Int) -> Int? { next[position] < tokens.count ? next[position] : nil }
    func before(_ position: Int) -> Int? { previous[position] >= 0 ? previous[position] : nil }

    mutating func join(_ left: Int, _ right: Int, result: Int32) {
        tokens[left] = result
        alive[right] = false
        next[left] = next[right]
        if next[right] < tokens.count { previous[next[right]] = left }
    }

    var remaining: [Int32] { tokens.indices.filter { alive[$0] }.map { tokens[$0] } }
}
