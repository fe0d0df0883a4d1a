import CKernels

/// How sequences of different lengths lie one after another in a matrix of T tokens, without padding.
public struct SequenceLayout: Sendable, Equatable {
    /// Sequence i has the rows `offsets[i]..<offsets[i + 1]`.
    public let offsets: [Int32]

    /// Each token's place in its own sequence, counted from 0.
    public let positions: [Int32]

    /// - Parameter lengths: tokens per sequence, each at least one.
    public init(lengths: [Int]) {
        var offsets: [Int32] = [0]
        var positions: [Int32] = []
        for length in lengths {
            precondition(length > 0, "a sequence has at least one token")
            offsets.append(offsets[offsets.count - 1] + Int32(length))
            positions.append(contentsOf: 0..<Int32(length))
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

    /// The row of a sequence's last token.
    public func lastRow(of sequence: Int) -> Int { Int(offsets[sequence + 1]) - 1 }

    func withOffsets(_ body: (pf_sequences) -> Void) {
        offsets.withUnsafeBufferPointer { body(pf_sequences(offsets: $0.baseAddress, count: Int32(count))) }
    }
}
