import Checkpoints
import Tensors

/// Keys and values of tokens that a model has read, so that each new token costs one row (generation).
///
/// One user at a time.
public final class KeyValueCache: @unchecked Sendable {
    /// What a block knows of one sequence.
    struct Entry {
        /// Valid up to the newest token.
        let keys: Matrix
        let values: Matrix
        /// Tokens before the newest ones.
        let past: Int
    }

    /// Tokens read so far, by sequence.
    public private(set) var lengths: [Int]
    /// The sequences that the next tokens belong to, in the order in which they lie in the batch. A finished sequence is
    /// left out.
    public var active: [Int]
    private let storage: Storage
    private let capacity: Int
    private let keyWidth: Int
    private let layers: Int

    /// - Parameters:
    ///   - sequences: how many grow side by side.
    ///   - capacity: the most tokens of a sequence.
    public init(_ model: Hyperparameters, sequences: Int, capacity: Int) {
        lengths = Array(repeating: 0, count: sequences)
        active = Array(0..<sequences)
        self.capacity = capacity
        keyWidth = model.keyWidth
        layers = model.layers
        storage = Storage(count: Self.floats(model, sequences: sequences, capacity: capacity))
    }

    /// Floats of a cache: keys and values of every block.
    public static func floats(_ model: Hyperparameters, sequences: Int, capacity: Int) -> Int {
        sequences * model.layers * 2 * capacity * model.keyWidth
    }

    /// Adds a block's keys and values of new tokens. The sequence grows by `advance` once all blocks have added theirs.
    ///
    /// - Parameter place: the sequence's place among the active ones.
    func append(keys: Matrix, values: Matrix, place: Int, block: Int) -> Entry {
        let sequence = active[place]
        let past = lengths[sequence], end = past + keys.rows
        precondition(end <= capacity, "the cache has room for \(capacity) tokens")
        let begin = (sequence * layers + block) * 2 * capacity * keyWidth
        let allKeys = storage.matrix(rows: end, columns: keyWidth, at: begin)
        let allValues = storage.matrix(rows: end, columns: keyWidth, at: begin + capacity * keyWidth)
        allKeys.rows(past..<end).copy(from: keys)
        allValues.rows(past..<end).copy(from: values)
        return Entry(keys: allKeys, values: allValues, past: past)
    }

    /// All blocks have read so many new tokens of each active sequence.
    func advance(_ tokens: [Int]) {
        for (sequence, count) in zip(active, tokens) { lengths[sequence] += count }
    }
}
