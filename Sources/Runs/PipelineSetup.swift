import Datasets
import Diagnostics
import Methods
import Models
import Pipeline
import Recipes
import Synchronization
import Tensors
import Worker

/// A recipe's pipeline on this machine: its blocks cut into stages by their measured costs, its schedules, and what its
/// steps took.
final class PipelineSetup: Sendable {
    /// The blocks of each stage.
    let stages: [Range<Int>]
    private let kind: ScheduleKind
    private let costs: PipelineCosts
    private let sums: Int
    private let helps: Bool
    /// The most bytes that a stage may keep between F and W.
    let capBytes: Int?
    private let predictedBubble: Double
    private let schedules = Mutex<[Int: Schedule]>([:])
    private let record = Mutex(PipelineRecord())
    private let newest = Mutex<StepTrace?>(nil)

    /// Measures the blocks above the frozen ones, and cuts them into stages: by their times, or by their bytes where a cap
    /// leaves no other choice.
    ///
    /// - Parameter manner: what threads have to do with stages.
    /// - Throws: `ScheduleError` when there are fewer blocks than stages, or the schedule is not possible under the cap.
    init(
        _ recipe: Recipe, model: LanguageModel, head: OutputHead, parameters: TrainableParameters,
        manner: Executor.Manner
    ) throws(ScheduleError) {
        let training = recipe.training, first = recipe.model.frozenBlocks
        let memory = StageMemory(recipe, model: model.hyperparameters)
        try memory.check()
        // Nobody knows how long the devices' texts are. Of the times, only what they are to each other counts; bytes are
        // those of the longest texts.
        let measured = BlockCosts(
            model: model, head: head, parameters: parameters,
            lengths: Array(repeating: max(1, recipe.task.maximumTokens / 2), count: training.microBatch),
            targets: recipe.task.head == .lm ? recipe.task.maximumTokens / 2 : 1, largest: memory.largest
        ).measure(first..<model.hyperparameters.layers)
        let microBatches = training.microBatches, capBytes = recipe.pipeline.memoryBytes
        let kind = recipe.pipeline.schedule
        let make = { (costs: PipelineCosts) throws(ScheduleError) in
            try Schedule.make(kind, costs: costs, microBatches: microBatches, capBytes: capBytes)
        }
        var cut: [Range<Int>], schedule: Schedule
        do throws(ScheduleError) {
            // What frozen blocks make of samples goes through the store, so that no stage holds any.
            let (partition, made) = try Pipeline.Partition.simulated(
                frozen: [], trainable: measured, stages: recipe.pipeline.stages, microBatches: microBatches,
                placement: .contiguous, links: PipelineCosts(stages: []), schedule: make)
            (cut, schedule) = (partition.stages.map(\.trainable), made)
            costs = PipelineCosts(stages: partition.costs)
        } catch {
            guard case .capTooSmall = error else { throw error }
            cut = try memory.sparingCut().stages
            costs = PipelineCosts(stages: cut.map { measured[$0].reduce(StageCosts(), +) })
            schedule = try make(costs)
        }
        stageCosts = recipe.pipeline.placement == .workers ? costs : nil
        self.kind = kind
        self.capBytes = capBytes
        sums = Trainer.lanes(parameters.layout.form, microBatches: microBatches)
        // Stages of several workers share no memory.
        helps = manner == .helping && recipe.pipeline.placement == .threads
        if helps && kind == .permafrost {
            schedule = try Schedule.helped(costs: costs, microBatches: microBatches, sums: sums, capBytes: capBytes)
        }
        predictedBubble = schedule.walkedFigures(costs: costs, sums: sums, helps: helps).bubbleRatio
        stages = cut.map { first + $0.lowerBound..<first + $0.upperBound }
        schedules.withLock { $0[microBatches] = schedule }
    }

    /// What a usual micro-batch takes on each stage of a recipe whose later stages may be other workers.
    let stageCosts: PipelineCosts?

    /// The schedule of a step; the last one of an epoch can have fewer micro-batches.
    @Sendable func schedule(microBatches: Int) throws -> Schedule {
        if let known = schedules.withLock({ $0[microBatches] }) { return known }
        let made =
            helps && kind == .permafrost
            ? try Schedule.helped(costs: costs, microBatches: microBatches, sums: sums, capBytes: capBytes)
            : try Schedule.make(kind, costs: costs, microBatches: microBatches, capBytes: capBytes)
        schedules.withLock { $0[microBatches] = made }
        return made
    }

    /// Counts a step.
    func took(_ trace: StepTrace) {
        record.withLock { $0.add(trace) }
        newest.withLock { $0 = trace }
    }

    /// What the stages did in the newest step; nil before the first, and when they did more than anybody draws.
    ///
    /// - Parameter before: the steps before those that were counted here.
    func newestStep(after before: Int) -> WorkerTraining.WalkedStep? {
        guard let trace = newest.withLock({ $0 }) else { return nil }
        let step = StepOperations(trace, step: before + record.withLock(\.steps))
        return step.isPlausible ? (step, trace.begin) : nil
    }

    /// Forgets the steps so far.
    func forget() { record.withLock { $0 = PipelineRecord() } }

    /// Of the steps so far, without the optimizer's; and what all stages' threads together spent on their operations.
    var times: (seconds: Double, busySeconds: Double) { record.withLock { ($0.seconds, $0.busySeconds) } }

    /// Mean over the stages so far.
    var bubble: Double { record.withLock(\.bubble) }

    /// The step whose operations each take the median of what they took in these, of which there is one at least.
    func typical(_ steps: [StepTrace], microBatches: Int) throws -> StepTrace {
        .typical(steps, of: try schedule(microBatches: microBatches), sums: sums, helps: helps)
    }

    /// What the steps took so far; nil before the first.
    var summary: PipelineSummary? {
        let record = record.withLock(\.self)
        guard record.steps > 0 else { return nil }
        return PipelineSummary(
            schedule: kind.rawValue, predictedBubble: predictedBubble, measuredBubble: record.bubble,
            stages: record.summary(stages))
    }
}
