import Diagnostics
import Foundation
import Methods
import Models
import Pipeline
import Randomness
import Recipes
import Tensors

/// Measures a recipe's training steps by every schedule, and in one place, on random activations.
public struct PipelineBench {
    /// What is measured.
    public struct Options: Sendable {
        /// Stages of the pipelines.
        public var stages = 2
        /// Micro-batches of a step, of one sequence each.
        public var microBatches = 8
        /// Tokens of each sequence.
        public var tokens = 128
        /// Steps that are measured, after two that are not.
        public var steps = 6

        /// The usual ones.
        public init() {}
    }

    private let recipe: Recipe
    private let prepared: PreparedModel
    private let options: Options
    private let pool: ComputePool

    /// Opens the recipe's model.
    ///
    /// - Throws: what the model is refused with.
    public init(_ recipe: Recipe, _ options: Options, cache: CacheFolder = CacheFolder()) throws {
        var recipe = recipe
        recipe.task.maximumTokens = 2 * options.tokens
        recipe.training.microBatch = 1
        recipe.training.batch = options.microBatches
        self.recipe = recipe
        self.options = options
        prepared = try PreparedModel(recipe, loadedBlocks: recipe.serverBlocks, cache: cache)
        // As many threads whether there are stages or not: the same cores.
        pool = ComputePool(threads: options.stages)
    }

    /// One way to train.
    public struct Row: Codable, Sendable {
        /// A schedule's name; nil for one place.
        public var schedule: String?
        /// Training tokens per second, the optimizer's step included.
        public var tokensPerSecond: Double
        /// Share of the rate in one place.
        public var ratio: Double
        /// What the stages did; nil for one place.
        public var pipeline: PipelineSummary?
    }

    /// What was measured on this machine.
    public struct Report: Codable, Sendable {
        /// Of the machine.
        public var processors: Int
        /// As asked for.
        public var stages: Int
        /// As asked for.
        public var microBatches: Int
        /// As asked for.
        public var tokens: Int
        /// Parameters in training.
        public var trainableParameters: Int
        /// One place first, then every schedule.
        public var rows: [Row]
    }

    /// Measures, one way after another.
    ///
    /// - Parameter progress: is told what is measured next.
    /// - Throws: `ScheduleError`, `TrainingError`, what the model throws.
    public func run(progress: (String) -> Void) throws -> Report {
        var report = Report(
            processors: ProcessInfo.processInfo.activeProcessorCount, stages: options.stages,
            microBatches: options.microBatches, tokens: options.tokens, trainableParameters: 0, rows: [])
        for kind in [nil] + ScheduleKind.allCases.map(Optional.some) {
            progress(kind.map { "\($0.rawValue), \(options.stages) stages" } ?? "one place")
            var recipe = recipe
            recipe.pipeline.stages = kind == nil ? 1 : options.stages
            recipe.pipeline.schedule = kind ?? .permafrost
            let setup = try TrainingSetup(
                recipe, model: prepared.model, counts: [options.microBatches],
                labelTokens: recipe.task.labels.indices.map { $0 }, pool: pool)
            report.trainableParameters = setup.parameters.layout.count
            let rate = try rate(setup)
            report.rows.append(
                Row(
                    schedule: kind?.rawValue, tokensPerSecond: rate,
                    ratio: rate / (report.rows.first?.tokensPerSecond ?? rate), pipeline: setup.pipeline?.summary))
        }
        return report
    }

    /// Tokens per second of the median step.
    private func rate(_ setup: TrainingSetup) throws -> Double {
        var generator = SeededGenerator(seed: 1, stream: "bench/pipeline")
        let values = (0..<options.tokens * prepared.model.hyperparameters.width).map { _ in Float(generator.normal()) }
        let targets = [Int32](repeating: 0, count: recipe.task.head == .lm ? options.tokens : 1)
        let batch = (0..<options.microBatches).map { _ in
            MicroBatch(lengths: [options.tokens], targets: [targets]) { x_TD in
                for index in values.indices { x_TD.base[index] = values[index] }
            }
        }
        let seconds = try (0..<2 + options.steps).map { step in
            if step == 2 { setup.pipeline?.forget() }
            return try setup.trainer.step(batch).seconds
        }
        let sorted = seconds.dropFirst(2).sorted()
        return Double(options.microBatches * options.tokens) / sorted[sorted.count / 2]
    }
}
