import Datasets
import Models
import Synchronization
import Tensors

/// Examples to score again and again with changing parameters: the frozen blocks run once, their activations are kept.
public final class EvaluationSet: Sendable {
    /// Examples of one job of the pool.
    public static let examplesPerJob = 8

    private let model: LanguageModel
    private let head: OutputHead
    private let frozenBlocks: Int
    private let pool: ComputePool
    private let groups: [Group]

    private struct Group: Sendable {
        let targets: [[Int32]]
        let layout: SequenceLayout
        let activations: Storage
    }

    /// Runs the frozen blocks over all examples. Must not be called from a job of the pool.
    ///
    /// - Parameter progress: called with the examples done so far and their number, on threads of the pool. What it
    ///   throws ends the work.
    /// - Throws: what `progress` throws, or the model for a token outside the vocabulary.
    public init(
        model: LanguageModel, head: OutputHead, examples: [EncodedExample], frozenBlocks: Int, pool: ComputePool,
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
                targets: part.map(\.targets), layout: SequenceLayout(lengths: part.map(\.tokens.count)),
                activations: activations)
        }
    }

    /// What a model with some parameters makes of the examples.
    public struct Score: Sendable {
        /// Targets of all examples.
        public let targets: Int
        /// Right predictions.
        public let correct: Int
        /// Mean cross-entropy over the targets, in nats.
        public let loss: Double
        /// Predictions against classes; nil for a language model, whose targets are tokens.
        public let classes: ClassificationMetrics?
        /// Logits of the classes, one row per example; empty for a language model.
        public let logits: [[Float]]

        /// Share of right predictions, in [0, 1].
        public var accuracy: Double { targets == 0 ? 0 : Double(correct) / Double(targets) }
    }

    /// Scores examples. Must not be called from a job of the pool.
    ///
    /// - Parameters:
    ///   - parameters: nil for the model as it is.
    ///   - limit: scores the first jobs that have so many examples together; nil for all.
    public func score(_ parameters: TrainableParameters?, limit: Int? = nil) throws -> Score {
        let jobs = limit.map { ($0 + Self.examplesPerJob - 1) / Self.examplesPerJob } ?? self.groups.count
        let groups = self.groups.prefix(jobs)
        // Between two scorings nothing of them stays in memory.
        let streams = ArenaStack(), scratch = ArenaStack()
        let parts = try pool.map(groups.count) { [self] index in
            streams.withArena { stream in
                scratch.withArena { score(groups[index], parameters, arena: stream, scratch: $0) }
            }
        }
        let targets = groups.reduce(0) { $0 + $1.targets.reduce(0) { $0 + $1.count } }
        return Score(
            targets: targets, correct: parts.reduce(0) { $0 + $1.correct },
            loss: parts.reduce(0) { $0 + $1.lossSum } / Double(max(1, targets)),
            classes: head.isClassifying ? metrics(groups, parts) : nil, logits: parts.flatMap(\.logits))
    }

    private func metrics(_ groups: ArraySlice<Group>, _ parts: [PartialScore]) -> ClassificationMetrics {
        var metrics = ClassificationMetrics(classes: head.outputs)
        for (group, part) in zip(groups, parts) {
            for (targets, prediction) in zip(group.targets, part.predictions) {
                metrics.record(label: Int(targets[0]), prediction: prediction)
            }
        }
        return metrics
    }

    private struct PartialScore: Sendable {
        let predictions: [Int]
        let correct: Int
        let lossSum: Double
        let logits: [[Float]]
    }

    private func score(
        _ group: Group, _ parameters: TrainableParameters?, arena: Arena, scratch: Arena
    ) -> PartialScore {
        let x_TD = arena.matrix(rows: group.layout.tokens, columns: model.hyperparameters.width)
        x_TD.copy(from: group.activations.matrix(rows: x_TD.rows, columns: x_TD.columns))
        let targets = group.targets.flatMap { $0 }
        model.forward(
            frozenBlocks..<model.hyperparameters.layers, x_TD, layout: group.layout,
            reading: group.layout.rows(ofLast: group.targets.map(\.count)), parameters: parameters, scratch: scratch)
        let output = head.forward(
            x_TD.rows(0..<targets.count), targets: targets, parameters: parameters, needsGradient: false,
            arena: scratch, scratch: scratch)
        let logits = head.isClassifying ? output.logits_NK : nil
        return PartialScore(
            predictions: output.predictions, correct: output.correct, lossSum: output.lossSum,
            logits: logits.map { all in (0..<all.rows).map { all.rows($0..<$0 + 1).values } } ?? [])
    }

    /// Floats that a thread takes to score the largest job: the examples' stream, then one block or the head.
    ///
    /// - Parameter targetCount: of the job's examples.
    public static func scoringFloats(_ layout: TrainableLayout, tokens: Int, targetCount: Int, outputs: Int) -> Int {
        let model = layout.model
        return tokens * model.width
            + max(
                DecoderBlock.passFloats(model, tokens: tokens, training: layout),
                OutputHead.forwardFloats(model, targets: targetCount, outputs: outputs, needsGradient: false)
                    + OutputHead.forwardScratchFloats(targets: targetCount, outputs: outputs))
    }
}
