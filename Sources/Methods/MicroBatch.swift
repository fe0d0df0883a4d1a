import Models
import Tensors

/// A few sequences that enter the trainable blocks together.
public struct MicroBatch: Sendable {
    /// How the sequences lie in the packed rows.
    public let layout: SequenceLayout
    /// What the last tokens of each sequence should predict, one target for each of these tokens.
    public let targets: [[Int32]]
    /// Writes the activations of the highest frozen block, packed by `layout`.
    let read: @Sendable (_ x_TD: Matrix) throws -> Void

    /// - Parameters:
    ///   - lengths: tokens per sequence.
    ///   - targets: from one to as many per sequence as it has tokens.
    ///   - read: writes the activations of the highest frozen block, packed in the order of `lengths`. It is called
    ///     once, on a thread of the compute pool.
    public init(lengths: [Int], targets: [[Int32]], read: @escaping @Sendable (_ x_TD: Matrix) throws -> Void) {
        precondition(lengths.count == targets.count, "every sequence has targets")
        layout = SequenceLayout(lengths: lengths)
        self.targets = targets
        self.read = read
    }

    /// Targets of all sequences.
    var targetCount: Int { targets.reduce(0) { $0 + $1.count } }
}
