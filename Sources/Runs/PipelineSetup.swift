import Datasets
import Methods
import Models
import Pipeline
import Recipes
import Synchronization
import Tensors

/// A recipe's pipeline on this machine: its blocks cut into stages by their measured costs, its schedules, and what its
/// steps took.
final class PipelineSetup: Sendable {
    /// The blocks of each stage.
    let stages: [Range<Int>]
    private let kind: ScheduleKind
    private let costs: PipelineCosts
    private let schedules = Mutex<[Int: Schedule]>([:])
    private let record = Mutex(PipelineRecord())

    /// Measures the blocks above the frozen ones, and cuts them into stages.
    ///
    /// - Throws: `ScheduleError` when there are fewer blocks than stages, or the schedule is not possible.
    init(
        _ recipe: Recipe, model: LanguageModel, head: OutputHead, parameters: TrainableParameters
    ) throws(ScheduleError) {
        let training = recipe.training, first = recipe.model.frozenBlocks
        // Nobody knows how long the devices' texts are. Of the costs, only what they are to each other counts.
        let measured = BlockCosts(
            model: model, head: head, parameters: parameters,
            lengths: Array(repeating: max(1, recipe.task.maximumTokens / 2), count: training.microBatch),
            targets: recipe.task.head == .lm ? recipe.task.maximumTokens / 2 : 1
        ).measure(first..<model.hyperparameters.layers)
        let microBatches = (training.batch + training.microBatch - 1) / training.microBatch
        let kind = recipe.pipeline.schedule
        // What frozen blocks make of samples goes through the store, so that no stage holds any.
        let (partition, schedule) = try Pipeline.Partition.simulated(
            frozen: [], trainable: measured, stages: recipe.pipeline.stages, microBatches: microBatches,
            placement: .contiguous, links: PipelineCosts(stages: [])
        ) { costs throws(ScheduleError) in try Schedule.make(kind, costs: costs, microBatches: microBatches) }
        self.kind = kind
        costs = PipelineCosts(stages: partition.costs)
        stages = partition.stages.map { first + $0.trainable.lowerBound..<first + $0.trainable.upperBound }
        schedules.withLock { $0[microBatches] = schedule }
    }

    /// The schedule of a step; the last one of an epoch can have fewer micro-batches.
    @Sendable func schedule(microBatches: Int) throws -> Schedule {
        if let known = schedules.withLock({ $0[microBatches] }) { return known }
        let made = try Schedule.make(kind, costs: costs, microBatches: microBatches)
        schedules.withLock { $0[microBatches] = made }
        return made
    }

    /// Counts a step.
    @Sendable func took(_ trace: StepTrace) { record.withLock { $0.add(trace) } }

    /// Forgets the steps so far.
    func forget() { record.withLock { $0 = PipelineRecord() } }

    /// What the steps took so far; nil before the first.
    var summary: PipelineSummary? {
        let record = record.withLock(\.self)
        guard record.steps > 0, let usual = schedules.withLock({ $0.max { $0.key < $1.key }?.value }) else {
            return nil
        }
        let figures = try? ScheduleFigures(usual, costs: costs)
        return PipelineSummary(
            schedule: kind.rawValue, predictedBubble: figures?.bubbleRatio ?? 0, measuredBubble: record.bubble,
            stages: stages.indices.map { stage in
                PipelineSummary.Stage(
                    // Recipes count blocks from 1.
                    blocks: [stages[stage].lowerBound + 1, stages[stage].upperBound],
                    bubble: record.bubbles[stage],
                    forwardSeconds: record.median(.forward, stage: stage),
                    backwardInputSeconds: record.median(.backwardInput, stage: stage),
                    backwardWeightsSeconds: record.median(.backwardWeights, stage: stage),
                    stashedMicroBatches: record.stash[stage])
            })
    }
}

/// Figures of the steps of a pipeline.
private struct PipelineRecord {
    private static let mostTimes = 4096

    private(set) var steps = 0
    private(set) var stash: [Int] = []
    private var seconds = 0.0
    private var busySeconds: [Double] = []
    private var times: [[StageOperation.Kind: [Double]]] = []

    mutating func add(_ trace: StepTrace) {
        if steps == 0 {
            stash = trace.stages.map { _ in 0 }
            busySeconds = trace.stages.map { _ in 0 }
            times = trace.stages.map { _ in [:] }
        }
        steps += 1
        seconds += trace.duration / .seconds(1)
        for (stage, most) in trace.stashHighWater.enumerated() { stash[stage] = max(stash[stage], most) }
        for (stage, entries) in trace.stages.enumerated() {
            for entry in entries {
                let time = (entry.end - entry.start) / .seconds(1)
                busySeconds[stage] += time
                if times[stage][entry.operation.kind, default: []].count < Self.mostTimes {
                    times[stage][entry.operation.kind, default: []].append(time)
                }
            }
        }
    }

    var bubbles: [Double] { busySeconds.map { seconds > 0 ? max(0, 1 - $0 / seconds) : 0 } }
    var bubble: Double { bubbles.reduce(0, +) / Double(max(1, bubbles.count)) }

    func median(_ kind: StageOperation.Kind, stage: Int) -> Double {
        let sorted = (times[stage][kind] ?? []).sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}

/// What a run's pipeline did, part of `summary.json`.
public struct PipelineSummary: Codable, Sendable, Equatable {
    /// One stage.
    public struct Stage: Codable, Sendable, Equatable {
        /// First and last block, from 1.
        public var blocks: [Int]
        /// Share of the steps' time in which the stage did none of its operations.
        public var bubble: Double
        /// Median of F of a micro-batch.
        public var forwardSeconds: Double
        /// Median of B of a micro-batch.
        public var backwardInputSeconds: Double
        /// Median of W of a micro-batch.
        public var backwardWeightsSeconds: Double
        /// The most micro-batches that lay between F and W.
        public var stashedMicroBatches: Int
    }

    /// Which schedule.
    public var schedule: String
    /// Mean over the stages, simulated from costs measured before training.
    public var predictedBubble: Double
    /// Mean over the stages.
    public var measuredBubble: Double
    /// From the first stage to the last.
    public var stages: [Stage]
}
