import Models
import Tensors

/// A few sequences that enter the trainable blocks together.
public struct MicroBatch: Sendable {
    /// How the sequences lie in the packed rows.
    public let layout: SequenceLayout
    /// The class of each sequence.
    public let labels: [Int]
    /// Writes the activations of the highest frozen block, packed by `layout`.
    let read: @Sendable (_ x_TD: Matrix) throws -> Void

    /// - Parameters:
    ///   - lengths: tokens per sequence.
    ///   - read: writes the activations of the highest frozen block, packed in the order of `lengths`. It is called
    ///     once, on a thread of the compute pool.
    public init(lengths: [Int], labels: [Int], read: @escaping @Sendable (_ x_TD: Matrix) throws -> Void) {
        precondition(lengths.count == labels.count, "every sequence has one label")
        layout = SequenceLayout(lengths: lengths)
        self.labels = labels
        self.read = read
    }
}
