import Models
import Tensors

/// A few sequences that enter the trainable blocks together.
public struct MicroBatch: Sendable {
    /// How the sequences lie in the packed rows.
    public let layout: SequenceLayout
    /// What the last tokens of each sequence should predict, one target each: from one to as many as it has tokens.
    public let targets: [[Int32]]
    /// Writes the activations of the highest frozen block, packed by `layout`.
    let read: @Sendable (_ x_TD: Matrix) throws -> Void

    /// - Parameters:
    ///   - lengths: tokens per sequence.
    ///   - targets: per sequence, what its last tokens should predict, one each.
    ///   - read: writes the activations of the highest frozen block, packed in the order of `lengths`. It is called
    ///     once, on a thread of the compute pool.
    public init(
        lengths: [Int], targets: [[Int32]], read: @escaping @Sendable (_ x_TD: Matrix) throws -> Void
    ) {
        precondition(
            lengths.count == targets.count && zip(lengths, targets).allSatisfy { (1...$0).contains($1.count) },
            "every sequence has targets, and no more than tokens")
        layout = SequenceLayout(lengths: lengths)
        self.targets = targets
        self.read = read
    }

    /// Writes the activations of the highest frozen block, packed by `layout`.
    ///
    /// - Throws: what their source throws.
    public func readActivations(into x_TD: Matrix) throws { try read(x_TD) }

    /// Sequences before each micro-batch of a step.
    static func firstSequences(_ batch: [MicroBatch]) -> [Int] {
        var next = 0
        return batch.map { microBatch in
            defer { next += microBatch.layout.count }
            return next
        }
    }

    /// Targets of all sequences.
    public var targetCount: Int { targets.reduce(0) { $0 + $1.count } }
}
