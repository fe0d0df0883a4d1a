import Datasets
import Models
import Synchronization
import Tensors

/// Examples to score again and again with changing adapters: the frozen blocks run once, their activations are kept.
public final class EvaluationSet: Sendable {
    /// Examples of one job of the pool.
    private static let examplesPerJob = 8

    private let model: LlamaModel
    private let head: VerbalizerHead
    private let frozenBlocks: Int
    private let pool: ComputePool
    private let arenas = ArenaStack()
    private let groups: [Group]

    private struct Group: Sendable {
        let labels: [Int]
        let layout: SequenceLayout
        let activations: Storage
    }

    /// Runs the frozen blocks over all examples. Must not be called from a job of the pool.
    ///
    /// - Parameter progress: called with the examples done so far and their number, on threads of the pool. What it
    ///   throws ends the work.
    /// - Throws: what `progress` throws, or the model for a token outside the vocabulary.
    public init(
        model: LlamaModel, head: VerbalizerHead, examples: [EncodedExample], frozenBlocks: Int, pool: ComputePool,
        progress: @escaping @Sendable (_ done: Int, _ of: Int) throws -> Void = { _, _ in }
    ) throws {
        self.model = model
        self.head = head
        self.frozenBlocks = frozenBlocks
        self.pool = pool
        let forward = FrozenForward(model: model)
        let parts = Batches.cut(examples, size: Self.examplesPerJob)
        let done = Atomic(0)
        groups = try pool.map(parts.count) { index in
            let part = parts[index]
            let activations = try forward.activations(of: part.map(\.tokens), cut: frozenBlocks)
            try progress(done.add(part.count, ordering: .relaxed).newValue, examples.count)
            return Group(
                labels: part.map(\.label), layout: SequenceLayout(lengths: part.map(\.tokens.count)),
                activations: activations)
        }
    }

    /// What a model with some adapters makes of the examples.
    public struct Score: Sendable {
        /// Predictions against labels.
        public let metrics: ClassificationMetrics
        /// Mean cross-entropy over the label words, in nats.
        public let loss: Double
        /// Logits of the label words, one row per example.
        public let logits: [[Float]]
    }

    /// Scores all examples. Must not be called from a job of the pool.
    ///
    /// - Parameter adapters: nil for the model as it is.
    public func score(adapters: AdapterTensors?) throws -> Score {
        let parts = try pool.map(groups.count) { [self] index in
            arenas.withArena { arena in logits(of: groups[index], adapters: adapters, arena: arena) }
        }
        var metrics = ClassificationMetrics(classes: head.labelTokens.count)
        for (group, part) in zip(groups, parts) {
            for (label, prediction) in zip(group.labels, part.predictions) {
                metrics.record(label: label, prediction: prediction)
            }
        }
        let loss = parts.reduce(0) { $0 + $1.lossSum } / Double(max(1, metrics.samples))
        return Score(metrics: metrics, loss: loss, logits: parts.flatMap(\.logits))
    }

    private struct PartialScore: Sendable {
        let predictions: [Int]
        let lossSum: Double
        let logits: [[Float]]
    }

    private func logits(of group: Group, adapters: AdapterTensors?, arena: Arena) -> PartialScore {
        let x_TD = arena.matrix(rows: group.layout.tokens, columns: model.hyperparameters.width)
        x_TD.copy(from: group.activations.matrix(rows: x_TD.rows, columns: x_TD.columns))
        return arenas.withArena { scratch in
            for block in model.blocks[frozenBlocks...] {
                block.forward(
                    x_TD, layout: group.layout, adapters: adapters?.block(block.index), arena: scratch)
                scratch.reset()
            }
            let output = head.forward(x_TD, layout: group.layout, arena: scratch)
            return PartialScore(
                predictions: output.predictions, lossSum: output.lossSum(labels: group.labels),
                logits: (0..<group.layout.count).map { output.logits_SK.rows($0..<$0 + 1).values })
        }
    }
}
