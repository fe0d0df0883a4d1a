import Models
import Pipeline
import Tensors

/// Micro-batches through the stages of a pipeline, each stage with consecutive blocks and a thread: all stages, or the one of
/// them that this process walks.
final class PipelinePasses: BatchPasses {
    private let model: LanguageModel
    private let head: OutputHead
    private let parameters: TrainableParameters
    private let stages: [Range<Int>]
    private let schedule: @Sendable (_ microBatches: Int) throws -> Schedule
    private let executor: Executor
    private let memory = PassMemory()
    private let observer: @Sendable (StepTrace) -> Void

    /// - Parameters:
    ///   - stages: consecutive blocks, from the first that every micro-batch has not passed yet to the last.
    ///   - schedule: gives the schedule of a step; every stage of it trains.
    ///   - stashCapBytes: the most that a stage may stash, as was proven of the schedules.
    ///   - pool: has a thread for each stage, unless these are emulated.
    ///   - manner: what threads have to do with stages.
    ///   - observer: is told how each step went.
    init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, stages: [Range<Int>],
        schedule: @escaping @Sendable (_ microBatches: Int) throws -> Schedule, stashCapBytes: Int?, pool: ComputePool,
        manner: Executor.Manner, observer: @escaping @Sendable (StepTrace) -> Void = { _ in }
    ) {
        self.model = model
        self.head = head
        self.parameters = parameters
        self.stages = stages
        self.schedule = schedule
        self.observer = observer
        executor = Executor(pool: pool, capBytes: stashCapBytes, manner: manner)
    }

    var width: Int { model.hyperparameters.width }

    /// Whether the model has such blocks, and every micro-batch has passed those below.
    func canWalk(_ blocks: Range<Int>) -> Bool {
        !blocks.isEmpty && blocks.lowerBound >= stages[0].lowerBound
            && blocks.upperBound <= model.hyperparameters.layers
    }

    /// What each stage does in a step.
    func shares(microBatches: Int) throws -> [StageShare] {
        let schedule = try schedule(microBatches)
        return stages.enumerated().map { StageShare(stage: $0, blocks: $1, schedule: schedule) }
    }

    func run(_ batch: StepBatch, sums: [TrainableParameters]) throws -> [MicroBatchPass.Result] {
        let schedule = try schedule(batch.microBatches.count)
        let (results, trace) = try run(batch, sums, schedule, blocks: stages)
        observer(trace)
        return results
    }

    /// Walks one stage.
    ///
    /// - Parameter patience: how long nothing may come from the others while so many of their results are missing; nil where
    ///   the exchange is told of everything that could end the wait.
    /// - Returns: loss and right predictions of each micro-batch at the last stage; nothing at others.
    /// - Throws: `RemoteStagesError` when the others were given up.
    func run(
        _ batch: StepBatch, sums: [TrainableParameters], share: StageShare, exchange: StageExchange,
        patience: (@Sendable (_ missing: Int) -> Duration)? = nil
    ) throws -> [MicroBatchPass.Result] {
        let blocks = share.schedule.stages.indices.map { $0 == share.stage ? share.blocks : nil }
        let (results, trace) = try run(
            batch, sums, share.schedule, blocks: blocks, exchange,
            Executor.Share(
                stages: share.stage..<share.stage + 1, others: exchange.others, patience: patience))
        if share.stage == 0 { observer(trace) }
        return results
    }

    /// - Parameter blocks: of each stage; nil for those that are walked elsewhere.
    private func run(
        _ batch: StepBatch, _ sums: [TrainableParameters], _ schedule: Schedule, blocks: [Range<Int>?],
        _ exchange: StageExchange? = nil, _ share: Executor.Share? = nil
    ) throws -> ([MicroBatchPass.Result], StepTrace) {
        let passes = blocks.map { blocks in
            blocks.map { blocks in
                batch.microBatches.map { _ in
                    StagePass(
                        model: model, head: blocks.upperBound == model.hyperparameters.layers ? head : nil,
                        parameters: parameters, blocks: blocks, memory: memory)
                }
            } ?? []
        }
        let step = PipelineStep(
            batch, passes: passes, sums: sums, fusesBackward: schedule.fusesBackward, width: width, memory: memory,
            exchange: exchange)
        defer { step.giveBack() }
        let trace = try executor.run(schedule, sums: sums.count, share: share, step)
        if let tracer = batch.tracer { trace.write(to: tracer) }
        return (step.results, trace)
    }
}
