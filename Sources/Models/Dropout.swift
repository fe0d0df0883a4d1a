import Randomness

/// Which inputs of adapters are dropped in one micro-batch: a function of seed, step, sequence and token alone, so that
/// neither micro-batches nor threads change it, and B and W find the mask of F again without keeping it.
public struct Dropout: Sendable {
    /// The share of inputs that are dropped; the others are scaled by 1 / (1 - rate).
    let rate: Float
    /// One key for each row of the micro-batch.
    let rowKeys: [UInt64]

    private init(rate: Float, rowKeys: [UInt64]) {
        self.rate = rate
        self.rowKeys = rowKeys
    }

    /// What is dropped of some rows, where these stand alone.
    func rows(_ rows: [Int]) -> Dropout { Dropout(rate: rate, rowKeys: rows.map { rowKeys[$0] }) }

    /// - Parameters:
    ///   - step: the optimizer step, so that every step drops others.
    ///   - firstSequence: the place in the batch of the micro-batch's first sequence.
    ///   - lengths: tokens of the micro-batch's sequences.
    public init(rate: Float, seed: UInt64, step: Int, firstSequence: Int, lengths: [Int]) {
        self.rate = rate
        rowKeys = lengths.enumerated().flatMap { index, length in
            var generator = SeededGenerator(seed: seed, stream: "dropout/\(step)/\(firstSequence + index)")
            return (0..<length).map { _ in generator.next() }
        }
    }
}
