import Diagnostics
import Foundation
import Methods
import Models
import Pipeline
import Randomness
import Recipes
import Synchronization
import Tensors

/// Measures training steps by schedules of a pipeline, and in one place, on random activations.
public struct PipelineBench {
    /// One way to train.
    public struct Way: Sendable, Equatable {
        /// nil for one place, where each thread takes whole micro-batches.
        public var schedule: ScheduleKind?

        /// One place.
        public static let onePlace = Way(schedule: nil)

        /// One place first, then every schedule.
        public static let all = [onePlace] + ScheduleKind.allCases.map { Way(schedule: $0) }

        /// By its name: `one-place`, or a schedule's.
        public init?(name: String) {
            guard name != Self.onePlace.name else {
                self = .onePlace
                return
            }
            guard let schedule = ScheduleKind(rawValue: name) else { return nil }
            self.schedule = schedule
        }

        private init(schedule: ScheduleKind?) { self.schedule = schedule }

        /// `one-place`, or the schedule's name.
        public var name: String { schedule?.rawValue ?? "one-place" }
    }

    /// What is measured.
    public struct Options: Sendable {
        /// Which ways, in turn.
        public var ways = Way.all
        /// How often each.
        public var rounds = 1
        /// Stages of the pipelines.
        public var stages = 2
        /// What threads have to do with stages.
        public var manner = Executor.Manner.helping
        /// Micro-batches of a step, of one sequence each.
        public var microBatches = 8
        /// Tokens of each sequence.
        public var tokens = 128
        /// Steps of a round that are measured, after some that are not.
        public var steps = 6

        /// The usual ones.
        public init() {}
    }

    private let recipe: Recipe
    private let model: LanguageModel
    private let options: Options
    private let pool: ComputePool

    /// A recipe's model.
    ///
    /// - Throws: what the model is refused with.
    public init(_ recipe: Recipe, _ options: Options, cache: CacheFolder = CacheFolder()) throws {
        let recipe = Self.adapted(recipe, options)
        try self.init(
            recipe, options, PreparedModel(recipe, loadedBlocks: recipe.serverBlocks, cache: cache).model)
    }

    /// GPT-2 small with random weights and a classifier, of which every block trains.
    ///
    /// - Parameter overrides: `key=value` pairs of a recipe, such as `training.trainable=full`.
    /// - Throws: `RecipeError`.
    public init(gpt2Small overrides: [String], _ options: Options) throws {
        let recipe = Self.adapted(try Recipe.gpt2Small(frozenBlocks: 0, overrides: overrides), options)
        let model = try LanguageModel(
            source: ShapedModel.gpt2Small(), maximumTokens: recipe.task.maximumTokens,
            loadedBlocks: recipe.serverBlocks, weightType: WeightType(recipe.model.baseType))
        self.init(recipe, options, model)
    }

    private init(_ recipe: Recipe, _ options: Options, _ model: LanguageModel) {
        self.recipe = recipe
        self.options = options
        self.model = model
        // As many threads whether there are stages or not: the same cores. Emulated stages take what they fill gaps with.
        pool = ComputePool(threads: options.stages, takesSubmitted: options.manner != .emulated)
    }

    private static func adapted(_ recipe: Recipe, _ options: Options) -> Recipe {
        var recipe = recipe
        recipe.task.maximumTokens = 2 * options.tokens
        recipe.training.microBatch = 1
        recipe.training.batch = options.microBatches
        return recipe
    }

    /// Measures, one way after another, as many rounds as asked for.
    ///
    /// - Parameter progress: is told what is measured next.
    /// - Throws: `ScheduleError`, `TrainingError`, what the model throws.
    public func run(progress: (String) -> Void) throws -> PipelineBenchReport {
        var report = PipelineBenchReport(
            processors: ProcessInfo.processInfo.activeProcessorCount, model: recipe.name,
            trainable: recipe.training.trainable.rawValue, manner: options.manner.rawValue, stages: options.stages,
            frozenBlocks: recipe.model.frozenBlocks - (recipe.devices.cuts.min() ?? 0),
            microBatches: options.microBatches, tokens: options.tokens, rounds: options.rounds)
        var rounds: [[Round]] = options.ways.map { _ in [] }
        for round in 1...options.rounds {
            for (place, way) in options.ways.enumerated() {
                progress("round \(round) of \(options.rounds): \(way.name)")
                rounds[place].append(try measure(way, &report.trainableParameters))
            }
        }
        let whole = zip(options.ways, rounds).first { $0.0 == .onePlace }?.1.map(\.tokensPerSecond)
        report.rows = zip(options.ways, rounds).map { way, rounds in
            let rates = rounds.map(\.tokensPerSecond)
            return PipelineBenchReport.Row(
                schedule: way.schedule?.rawValue, tokensPerSecond: median(rates),
                bestTokensPerSecond: rounds.map(\.bestTokensPerSecond).max() ?? 0,
                ratio: isSimulated(way) ? nil : whole.map { median(zip(rates, $0).map { $0 / $1 }) },
                predictedBubble: median(rounds.compactMap { $0.pipeline?.predictedBubble }),
                measuredBubble: median(rounds.flatMap(\.bubbles)),
                processorSeconds: median(rounds.map(\.processorSeconds)),
                peakBytes: rounds.map(\.peakBytes).max() ?? 0, pipeline: rounds.last?.pipeline)
        }
        return report
    }

    private struct Round {
        var tokensPerSecond: Double
        var bestTokensPerSecond: Double
        var processorSeconds: Double
        var peakBytes: Int
        /// Of each step; one of all where operations are emulated, or F0 fills gaps, which goes on between steps.
        var bubbles: [Double] = []
        var pipeline: PipelineSummary?
    }

    private func isSimulated(_ way: Way) -> Bool { way.schedule != nil && options.manner == .emulated }

    private func measure(_ way: Way, _ trainableParameters: inout Int) throws -> Round {
        ProcessMemory.forgetPeak()
        var recipe = recipe
        recipe.pipeline.stages = way.schedule == nil ? 1 : options.stages
        recipe.pipeline.schedule = way.schedule ?? .permafrost
        let steps = Mutex<[StepTrace]>([])
        let setup = try TrainingSetup(
            recipe, model: model, counts: [options.microBatches], labelTokens: recipe.task.labels.indices.map { $0 },
            pool: pool, manner: options.manner
        ) { step in steps.withLock { $0.append(step) } }
        trainableParameters = setup.parameters.layout.count
        let batch = batch
        let frozen = FrozenWork(
            recipe, model: model, microBatches: options.microBatches, tokens: options.tokens, pool: pool,
            isEmulated: isSimulated(way))
        var before = Duration.zero
        let seconds = try (0..<Self.warmUp + options.steps).map { step in
            if step == Self.warmUp {
                steps.withLock { $0 = [] }
                setup.pipeline?.forget()
                _ = frozen?.times()
                before = ProcessorTime.ofProcess
            }
            let start = ContinuousClock.now
            frozen?.beginStep()
            _ = try setup.trainer.step(batch)
            return (.now - start) / .seconds(1)
        }
        let processorSeconds = (ProcessorTime.ofProcess - before) / .seconds(options.steps)
        let pipeline = setup.pipeline
        var measured = Array(seconds.dropFirst(Self.warmUp)), bubbles = steps.withLock { $0.map(\.bubble) }
        if let frozen, let times = pipeline?.times {
            let (busy, waited) = frozen.times()
            // Not of the optimizer's step: its thread is none of the pool's, which go on with F0.
            let span = isSimulated(way) ? times.seconds + waited / .seconds(1) : measured.reduce(0, +)
            bubbles = [1 - (times.busySeconds + busy / .seconds(1)) / (span * Double(options.stages))]
            if isSimulated(way) { measured = [span / Double(options.steps)] }
        } else if isSimulated(way), let pipeline {
            let typical = try pipeline.typical(steps.withLock(\.self), microBatches: options.microBatches)
            (measured, bubbles) = ([typical.duration / .seconds(1)], [typical.bubble])
        }
        let tokens = Double(options.microBatches * options.tokens)
        return Round(
            tokensPerSecond: tokens / median(measured), bestTokensPerSecond: tokens / (measured.min() ?? .infinity),
            processorSeconds: processorSeconds, peakBytes: ProcessMemory.peakResidentBytes, bubbles: bubbles,
            pipeline: pipeline?.summary)
    }

    /// Steps before those that count: the first takes its memory from the system, the next still finds much of it cold.
    private static let warmUp = 2

    private var batch: [MicroBatch] {
        var generator = SeededGenerator(seed: 1, stream: "bench/pipeline")
        let values = (0..<options.tokens * model.hyperparameters.width).map { _ in Float(generator.normal()) }
        let targets = [Int32](repeating: 0, count: recipe.task.head == .lm ? options.tokens : 1)
        return (0..<options.microBatches).map { _ in
            MicroBatch(lengths: [options.tokens], targets: [targets]) { x_TD in
                for index in values.indices { x_TD.base[index] = values[index] }
            }
        }
    }
}
