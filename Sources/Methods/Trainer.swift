import Diagnostics
import Models
import Tensors

/// Steps of the server's parameters: every micro-batch of a batch runs F, B and W on the pool, then all gradients are
/// summed in a fixed order and the optimizer takes one step.
///
/// Gradients are accumulated in lanes: lane i takes micro-batches i, i + lanes, … one after another. The lanes and the
/// order of sums depend on the batch alone, so the number of threads never changes a bit of the result.
public final class Trainer: @unchecked Sendable {
    /// What trains.
    public let parameters: TrainableParameters
    /// Steps taken.
    public private(set) var step = 0

    private let optimizer: any Optimizer
    private let model: LanguageModel
    private let head: OutputHead
    private let frozenBlocks: Int
    private let seed: UInt64
    private let schedule: LearningRateSchedule
    private let pool: ComputePool
    private let memory = PassMemory()
    private var passes: [MicroBatchPass] = []

    /// One trainer has one user at a time; its work runs on `pool`.
    ///
    /// - Parameters:
    ///   - frozenBlocks: blocks that every micro-batch has passed already.
    ///   - seed: decides which inputs of adapters are dropped.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, frozenBlocks: Int,
        optimizer: any Optimizer, schedule: LearningRateSchedule, seed: UInt64, pool: ComputePool
    ) {
        self.model = model
        self.head = head
        self.parameters = parameters
        self.frozenBlocks = frozenBlocks
        self.optimizer = optimizer
        self.schedule = schedule
        self.seed = seed
        self.pool = pool
    }

    /// Sums of gradients that exist side by side. Adapters are small; whole weights are not.
    public static func lanes(_ form: TrainableLayout.Form, microBatches: Int) -> Int {
        min(microBatches, form == .full ? 2 : 8)
    }

    /// What a step did.
    public struct StepResult: Sendable, Equatable {
        /// Counted from 1.
        public let step: Int
        /// Mean over the batch's targets, in nats, before the step.
        public let loss: Double
        /// Share of right predictions in the batch, before the step.
        public let accuracy: Double
        /// Of this step.
        public let learningRate: Double
        /// Norm of all gradients before clipping.
        public let gradientNorm: Double
        /// Tokens that passed the trainable blocks forward and backward.
        public let tokens: Int
        /// How long it took.
        public let seconds: Double
    }

    /// All that the next step depends on beside its batch: the parameters and what the optimizer remembers, by name.
    public var state: [(name: String, values: TrainableParameters)] {
        [("parameters", parameters)] + optimizer.state
    }

    /// Continues after a step of another process, whose `state` has been copied into this one's.
    public func resume(afterStep step: Int) { self.step = step }

    /// One training step on one batch. Must not be called from a job of the pool.
    ///
    /// - Throws: `TrainingError.diverged` when the loss or a gradient is not finite (the parameters are left as they
    ///   were), or what a micro-batch's source of activations throws.
    public func step(_ batch: [MicroBatch]) throws -> StepResult {
        let start = ContinuousClock.now
        let targets = batch.reduce(0) { $0 + $1.targetCount }
        precondition(targets > 0, "a batch has at least one target")
        let results = try runPasses(batch, lossScale: 1 / Float(targets))
        let loss = results.reduce(0) { $0 + $1.lossSum } / Double(targets)
        guard loss.isFinite else { throw TrainingError.diverged(step: step + 1, value: "loss") }

        let sum = passes[0].gradients
        for pass in passes[1..<lanes(batch)] { Kernels.best.add(pass.gradients.flat, to: sum.flat) }
        let rate = schedule.rate(step: step + 1)
        Failpoint.hit(.beforeOptimizerStep)
        let norm = optimizer.update(parameters, gradients: sum, step: step + 1, learningRate: rate)
        guard norm.isFinite else { throw TrainingError.diverged(step: step + 1, value: "gradient") }
        step += 1
        Failpoint.hit(.afterOptimizerStep)
        return StepResult(
            step: step, loss: loss, accuracy: Double(results.reduce(0) { $0 + $1.correct }) / Double(targets),
            learningRate: rate, gradientNorm: norm, tokens: batch.reduce(0) { $0 + $1.layout.tokens },
            seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    private func lanes(_ batch: [MicroBatch]) -> Int {
        Self.lanes(parameters.layout.form, microBatches: batch.count)
    }

    private func runPasses(_ batch: [MicroBatch], lossScale: Float) throws -> [MicroBatchPass.Result] {
        let lanes = lanes(batch)
        while passes.count < lanes {
            passes.append(
                MicroBatchPass(
                    model: model, head: head, parameters: parameters, frozenBlocks: frozenBlocks, memory: memory))
        }
        let firstSequences = batch.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.layout.count) }
        let results = try pool.map(lanes) { [self, passes] lane in
            let pass = passes[lane]
            pass.clearGradients()
            return try stride(from: lane, to: batch.count, by: lanes).map { index in
                let result = try pass.forward(
                    batch[index], dropout: dropout(batch[index], firstSequence: firstSequences[index]))
                pass.backward(lossScale: lossScale)
                return result
            }
        }
        return batch.indices.map { results[$0 % lanes][$0 / lanes] }
    }

    private func dropout(_ batch: MicroBatch, firstSequence: Int) -> Dropout? {
        guard let rate = parameters.layout.lowRank?.dropout, rate > 0 else { return nil }
        return Dropout(
            rate: rate, seed: seed, step: step + 1, firstSequence: firstSequence,
            lengths: (0..<batch.layout.count).map { batch.layout.rows(of: $0).count })
    }
}
