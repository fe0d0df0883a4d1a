import CKernels

/// How sequences of different lengths lie one after another in a matrix of T tokens, without padding.
public struct SequenceLayout: Sendable, Equatable {
    /// Sequence i has the rows `offsets[i]..<offsets[i + 1]`.
    public let offsets: [Int32]

    /// Each token's place in its own sequence, counted from 0 or from where the sequence starts.
    public let positions: [Int32]

    /// - Parameters:
    ///   - lengths: tokens per sequence, each at least one.
    ///   - starts: the position of each sequence's first token, where earlier ones lie in a cache; nil for 0.
    public init(lengths: [Int], startingAt starts: [Int]? = nil) {
        precondition(starts.map { $0.count == lengths.count } ?? true, "each sequence needs a start")
        var offsets: [Int32] = [0]
        var positions: [Int32] = []
        for (sequence, length) in lengths.enumerated() {
            precondition(length > 0, "a sequence has at least one token")
            offsets.append(offsets[offsets.count - 1] + Int32(length))
            let start = Int32(starts?[sequence] ?? 0)
            positions.append(contentsOf: start..<start + Int32(length))
        }
        self.offsets = offsets
        self.positions = positions
    }

    /// How many sequences there are.
    public var count: Int { offsets.count - 1 }

    /// T, the number of tokens.
    public var tokens: Int { Int(offsets[count]) }

    /// The tokens of the longest sequence.
    public var longest: Int { (0..<count).map { rows(of: $0).count }.max() ?? 0 }

    /// The rows of one sequence.
    public func rows(of sequence: Int) -> Range<Int> { Int(offsets[sequence])..<Int(offsets[sequence + 1]) }

    /// The rows of some last tokens of each sequence; nil where these are all rows.
    ///
    /// - Parameter counts: how many of each sequence, at most what it has.
    public func rows(ofLast counts: [Int]) -> [Int]? {
        let last = (0..<count).flatMap { rows(of: $0).suffix(counts[$0]) }
        return last.count == tokens ? nil : last
    }

    func withOffsets(_ body: (pf_sequences) -> Void) {
        offsets.withUnsafeBufferPointer { body(pf_sequences(offsets: $0.baseAddress, count: Int32(count))) }
    }
}
