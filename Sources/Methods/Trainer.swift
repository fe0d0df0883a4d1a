import Diagnostics
import Models
import Pipeline
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
    /// Where steps and their operations are traced.
    public var tracer: Tracer?

    private let optimizer: any Optimizer
    private let passes: any BatchPasses
    private let pipeline: PipelinePasses?
    private let stageCosts: PipelineCosts?
    private let seed: UInt64
    private let schedule: LearningRateSchedule
    private var sums: [TrainableParameters] = []

    /// Others that compute parts of the steps, or take them too. Set before the first step.
    public var sharing: (any StepSharing)?
    /// Others that are later stages of the steps, and of the parts of others' steps, where `stageCosts` were given. Set
    /// before the first step.
    public var stageSharing: (any StageSharing)?

    /// One trainer has one user at a time; its work runs on `pool`.
    ///
    /// - Parameters:
    ///   - frozenBlocks: blocks that every micro-batch has passed already.
    ///   - recomputes: whether F keeps the input of each block alone, and B runs the block once more: less memory, the same
    ///     bits.
    ///   - seed: decides which inputs of adapters are dropped.
    public convenience init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, frozenBlocks: Int,
        recomputes: Bool = false, optimizer: any Optimizer, schedule: LearningRateSchedule, seed: UInt64,
        pool: ComputePool
    ) {
        self.init(
            parameters, optimizer: optimizer, schedule: schedule, seed: seed,
            passes: LanePasses(
                model: model, head: head, parameters: parameters, frozenBlocks: frozenBlocks, recomputes: recomputes,
                pool: pool))
    }

    /// The same steps, bit for bit, by a pipeline of stages on threads of `pool`.
    ///
    /// - Parameters:
    ///   - stages: consecutive blocks, from the first one above the frozen ones to the last.
    ///   - schedule: gives the schedule for so many micro-batches; every stage of it trains.
    ///   - stashCapBytes: the most that a stage may stash, as was proven of the schedules.
    ///   - manner: what threads have to do with stages.
    ///   - stageCosts: what a usual micro-batch takes on each stage, where other workers may be the later stages; nil keeps
    ///     all stages here.
    ///   - observer: is told how each step went.
    public convenience init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, stages: [Range<Int>],
        schedule pipeline: @escaping @Sendable (_ microBatches: Int) throws -> Schedule, stashCapBytes: Int? = nil,
        optimizer: any Optimizer, schedule: LearningRateSchedule, seed: UInt64, pool: ComputePool,
        manner: Executor.Manner = .helping, stageCosts: PipelineCosts? = nil,
        observer: @escaping @Sendable (StepTrace) -> Void = { _ in }
    ) {
        let passes = PipelinePasses(
            model: model, head: head, parameters: parameters, stages: stages, schedule: pipeline,
            stashCapBytes: stashCapBytes, pool: pool, manner: manner, observer: observer)
        self.init(
            parameters, optimizer: optimizer, schedule: schedule, seed: seed, passes: passes, pipeline: passes,
            stageCosts: stageCosts)
    }

    init(
        _ parameters: TrainableParameters, optimizer: any Optimizer, schedule: LearningRateSchedule, seed: UInt64,
        passes: any BatchPasses, pipeline: PipelinePasses? = nil, stageCosts: PipelineCosts? = nil
    ) {
        self.pipeline = pipeline
        self.stageCosts = stageCosts
        self.parameters = parameters
        self.optimizer = optimizer
        self.schedule = schedule
        self.seed = seed
        self.passes = passes
    }

    /// No step has more sums of gradients.
    public static let mostLanes = 8

    /// Sums of gradients that exist side by side. Adapters are small; whole weights are not.
    public static func lanes(_ form: TrainableLayout.Form, microBatches: Int) -> Int {
        min(microBatches, form == .full ? 2 : mostLanes)
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

    /// XXH64 of what trains, as little-endian binary32.
    public var digest: UInt64 { parameters.digest }

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
        let zeros = zeros(Self.lanes(parameters.layout.form, microBatches: batch.count))
        let results = try sharedPasses.run(
            self.batch(batch, MicroBatch.firstSequences(batch), lossScale: 1 / Float(targets)), sums: zeros)
        let loss = results.reduce(0) { $0 + $1.lossSum } / Double(targets)
        guard loss.isFinite else { throw TrainingError.diverged(step: step + 1, value: "loss") }

        let sum = zeros[0]
        for other in zeros.dropFirst() { Kernels.best.add(other.flat, to: sum.flat) }
        Failpoint.hit(.beforeOptimizerStep)
        let summed = ContinuousClock.now
        let (norm, rate) = try update(sum)
        Failpoint.hit(.afterOptimizerStep)
        if let tracer {
            tracer.span("optimizer step", row: "steps", from: summed, ["step": .number(step)])
            tracer.span("step", row: "steps", from: start, ["step": .number(step), "loss": .real(loss)])
        }
        sharing?.ended(step, gradient: sum.flat)
        return StepResult(
            step: step, loss: loss, accuracy: Double(results.reduce(0) { $0 + $1.correct }) / Double(targets),
            learningRate: rate, gradientNorm: norm, tokens: batch.reduce(0) { $0 + $1.layout.tokens },
            seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    /// The gradients of some micro-batches of another process's next step, which has the same parameters.
    ///
    /// - Parameters:
    ///   - numbers: the micro-batches' places in the step, in ascending order.
    ///   - firstSequences: samples of the step before each.
    ///   - sums: sums of gradients in the whole step.
    /// - Throws: what a micro-batch's source of activations throws.
    public func part(
        of batch: [MicroBatch], numbers: [Int], firstSequences: [Int], sums: Int, lossScale: Float
    ) throws -> SharedPart {
        let chosen = Set(numbers.map { $0 % sums }).sorted(), zeros = zeros(chosen.count)
        var part = self.batch(batch, firstSequences, lossScale: lossScale)
        part.isPart = true
        let results = try stagedPasses.run(part, sums: zeros)
        return SharedPart(
            sums: zip(chosen, zeros).map { ($0, $1.flat.copied()) }, results: Array(zip(numbers, results)))
    }

    /// Walks a later stage of another process's next step, or of a part of it, which has the same parameters.
    ///
    /// - Returns: nil for an order that does not fit to what is here, or a step that was given up.
    /// - Throws: `ScheduleError.stashOverCap`.
    public func stage(_ order: StageOrder, exchange: StageExchange) throws -> StageResult? {
        guard let pipeline, pipeline.canWalk(order.share.blocks),
            order.sums <= Self.lanes(parameters.layout.form, microBatches: order.microBatches.count)
        else { return nil }
        let range = parameters.layout.range(ofStage: order.share.blocks), zeros = zeros(order.sums)
        let results: [MicroBatchPass.Result]
        do {
            results = try pipeline.run(
                self.batch(order.microBatches, order.firstSequences, lossScale: order.lossScale), sums: zeros,
                share: order.share, exchange: exchange)
        } catch is RemoteStagesError {
            return nil
        }
        let slices = zeros.map { $0.flat.columns(range) }
        guard !order.keepsSums else {
            let gradient = Storage(count: slices.count * range.count)
            let rows = gradient.matrix(rows: slices.count, columns: range.count)
            for (row, slice) in slices.enumerated() { rows.rows(row..<row + 1).copy(from: slice) }
            return StageResult(gradient: gradient, results: results)
        }
        for other in slices.dropFirst() { Kernels.best.add(other, to: slices[0]) }
        return StageResult(gradient: slices[0].copied(), results: results)
    }

    /// Goes on after a step of another process, as it was there.
    ///
    /// - Parameter values: of `state`, in its order.
    public func adopt(_ values: [Storage], step: Int) {
        for (state, values) in zip(state, values) {
            state.values.flat.copy(from: values.matrix(rows: 1, columns: values.count))
        }
        resume(afterStep: step)
        sharing?.replaced()
    }

    /// Takes the step that another process has taken, and lets those take it who have the same parameters.
    ///
    /// - Parameter gradient: of the whole step.
    /// - Throws: `TrainingError.diverged` when it is not finite.
    public func follow(_ gradient: Storage) throws {
        let sum = zeros(1)[0]
        sum.flat.copy(from: gradient.matrix(rows: 1, columns: gradient.count))
        try update(sum)
        sharing?.ended(step, gradient: sum.flat)
    }

    @discardableResult
    private func update(_ gradient: TrainableParameters) throws -> (norm: Double, rate: Double) {
        let rate = schedule.rate(step: step + 1)
        let norm = optimizer.update(parameters, gradients: gradient, step: step + 1, learningRate: rate)
        guard norm.isFinite else { throw TrainingError.diverged(step: step + 1, value: "gradient") }
        step += 1
        return (norm, rate)
    }

    /// How the next step is computed: parts of it elsewhere, and the rest as parts for others are.
    private var sharedPasses: any BatchPasses {
        let own = stagedPasses
        guard let sharing else { return own }
        return SharedPasses(own: own, sharing: sharing, step: step + 1, state: state)
    }

    /// How a part of the next step is computed: by stages elsewhere, or here.
    private var stagedPasses: any BatchPasses {
        guard let pipeline, let stageCosts, let stageSharing else { return passes }
        return StagedPasses(own: pipeline, costs: stageCosts, sharing: stageSharing, step: step + 1, state: state)
    }

    private func batch(_ microBatches: [MicroBatch], _ firstSequences: [Int], lossScale: Float) -> StepBatch {
        StepBatch(
            microBatches: microBatches, firstSequences: firstSequences,
            dropouts: dropouts(microBatches, firstSequences, step: step + 1), lossScale: lossScale, tracer: tracer)
    }

    /// So many sums of gradients, zero.
    private func zeros(_ count: Int) -> [TrainableParameters] {
        while sums.count < count { sums.append(TrainableParameters(layout: parameters.layout)) }
        for sum in sums[..<count] { sum.flat.fill(0) }
        return Array(sums[..<count])
    }

    private func dropouts(_ batch: [MicroBatch], _ firstSequences: [Int], step: Int) -> [Dropout?] {
        guard let rate = parameters.layout.lowRank?.dropout, rate > 0 else { return batch.map { _ in nil } }
        return zip(batch, firstSequences).map { microBatch, firstSequence in
            Dropout(
                rate: rate, seed: seed, step: step, firstSequence: firstSequence,
                lengths: (0..<microBatch.layout.count).map { microBatch.layout.rows(of: $0).count })
        }
    }
}

extension TrainableParameters {
    /// XXH64 of everything, as little-endian binary32.
    var digest: UInt64 {
        XXH64.hash(UnsafeRawBufferPointer(UnsafeBufferPointer(start: flat.base, count: flat.count)))
    }
}
