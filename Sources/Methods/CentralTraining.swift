import Datasets
import Models
import Tensors

/// The reference that every split method is held against: the same adapters trained on pooled data in one place.
///
/// It is deliberately plain: every step runs the whole model over its batch, from the embedding up. Nothing is
/// published, stored or replayed.
public struct CentralTraining: Sendable {
    private let forward: FrozenForward
    private let frozenBlocks: Int
    private let microBatch: Int

    /// - Parameters:
    ///   - frozenBlocks: blocks below the adapters.
    ///   - microBatch: sequences computed together.
    public init(model: LlamaModel, frozenBlocks: Int, microBatch: Int) {
        forward = FrozenForward(model: model)
        self.frozenBlocks = frozenBlocks
        self.microBatch = microBatch
    }

    /// One step on a batch. Must not be called from a job of the pool.
    ///
    /// - Throws: what `AdapterTrainer.step` throws.
    public func step(_ trainer: AdapterTrainer, on batch: [EncodedExample]) throws -> AdapterTrainer.StepResult {
        try trainer.step(
            Batches.cut(batch, size: microBatch).map { examples in
                MicroBatch(lengths: examples.map(\.tokens.count), targets: examples.map(\.targets)) {
                    [forward, frozenBlocks] x_TD in
                    let activations = try forward.activations(of: examples.map(\.tokens), cut: frozenBlocks)
                    x_TD.copy(from: activations.matrix(rows: x_TD.rows, columns: x_TD.columns))
                }
            })
    }
}
