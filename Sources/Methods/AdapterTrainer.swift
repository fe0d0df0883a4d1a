import Models
import Tensors

/// Steps of the server's adapters: every micro-batch of a batch runs F, B and W on the pool, then all gradients are
/// summed in the micro-batches' order and AdamW takes one step.
///
/// The order of sums depends on the micro-batches alone, so the number of threads never changes a bit of the result.
public final class AdapterTrainer: @unchecked Sendable {
    /// The adapters in training.
    public let adapters: AdapterTensors
    /// Steps taken.
    public private(set) var step = 0

    private let model: LlamaModel
    private let head: VerbalizerHead
    private let optimizer: AdamW
    private let schedule: LearningRateSchedule
    private let pool: ComputePool
    private let memory = PassMemory()
    private var passes: [MicroBatchPass] = []

    /// One trainer has one user at a time; its work runs on `pool`.
    public init(
        model: LlamaModel, head: VerbalizerHead, adapters: AdapterTensors, optimizer: AdamW,
        schedule: LearningRateSchedule, pool: ComputePool
    ) {
        self.model = model
        self.head = head
        self.adapters = adapters
        self.optimizer = optimizer
        self.schedule = schedule
        self.pool = pool
    }

    /// What a step did.
    public struct StepResult: Sendable, Equatable {
        /// Counted from 1.
        public let step: Int
        /// Mean over the batch, in nats, before the step.
        public let loss: Double
        /// Share of right predictions in the batch, before the step.
        public let accuracy: Double
        /// Of this step.
        public let learningRate: Double
        /// Norm of all gradients before clipping.
        public let gradientNorm: Double
    }

    /// One training step on one batch. Must not be called from a job of the pool.
    ///
    /// - Throws: `TrainingError.diverged` when the loss or a gradient is not finite (the adapters are left as they
    ///   were), or what a micro-batch's source of activations throws.
    public func step(_ batch: [MicroBatch]) throws -> StepResult {
        let sequences = batch.reduce(0) { $0 + $1.labels.count }
        precondition(sequences > 0, "a batch has at least one sequence")
        while passes.count < batch.count {
            passes.append(MicroBatchPass(model: model, head: head, adapters: adapters, memory: memory))
        }
        let results = try runPasses(batch, lossScale: 1 / Float(sequences))
        let loss = results.reduce(0) { $0 + $1.lossSum } / Double(sequences)
        guard loss.isFinite else { throw TrainingError.diverged(step: step + 1, value: "loss") }

        let sum = passes[0].gradients
        for pass in passes[1..<batch.count] { Kernels.best.add(pass.gradients.flat, to: sum.flat) }
        let rate = schedule.rate(step: step + 1)
        let norm = optimizer.update(adapters, gradients: sum, step: step + 1, learningRate: rate)
        guard norm.isFinite else { throw TrainingError.diverged(step: step + 1, value: "gradient") }
        step += 1
        return StepResult(
            step: step, loss: loss, accuracy: Double(results.reduce(0) { $0 + $1.correct }) / Double(sequences),
            learningRate: rate, gradientNorm: norm)
    }

    private func runPasses(_ batch: [MicroBatch], lossScale: Float) throws -> [MicroBatchPass.Result] {
        try pool.map(batch.count) { [passes] index in
            let pass = passes[index]
            pass.clearGradients()
            let result = try pass.forward(batch[index])
            pass.backward(lossScale: lossScale)
            return result
        }
    }
}
