import Coordinator
import Datasets
import Diagnostics
import Foundation
import Methods
import Models
import Queueing
import Recipes
import Synchronization
import Tensors

/// What a score says of predictions.
typealias Scores = ClassificationMetrics

/// A whole run from a recipe: model and data in, baseline, training, score, and the run folder.
public final class TrainingRun: Sendable {
    private struct Control {
        var isStopping = false
        var embedded: EmbeddedRun?
    }

    private let recipe: Recipe
    private let cache: CacheFolder
    private let control = Mutex(Control())

    /// A run that has not begun.
    public init(_ recipe: Recipe, cache: CacheFolder = CacheFolder()) {
        self.recipe = recipe
        self.cache = cache
    }

    /// Ends the run as soon as its folder is whole: after the step under way. Callable from any thread.
    public func stop() {
        let embedded = control.withLock { control in
            control.isStopping = true
            return control.embedded
        }
        embedded?.stop()
    }

    /// Runs to the end. Blocks the calling thread.
    ///
    /// - Parameter observer: called for everything that happens, on the calling thread and, while test sentences pass
    ///   the frozen blocks, on those of the pool.
    /// - Throws: a `NumberedError` for whatever a user can mend; `RunError.interrupted` after `stop`.
    public func run(observer: @escaping @Sendable (RunEvent) -> Void) throws -> RunSummary {
        let clock = RoleClock()
        let (model, data) = try prepare(observer: observer)
        let setup = try TrainingSetup(
            recipe, model: model, shards: data.shards, labelTokens: data.task.labelTokens,
            pool: ComputePool(threads: recipe.threadCount))
        let folder = try RunFolder(parent: cache.resolve(recipe.runs), name: recipe.name)
        try folder.write(try recipe.resolvedYAML(), to: "recipe.yaml")

        let evaluation = try evaluationSet(setup, data.test, folder: folder, observer: observer)
        let baseline = recipe.evaluation.baseline ? try evaluation?.score(setup.parameters).classes : nil
        if let baseline { observer(.baseline(accuracy: baseline.accuracy, majority: baseline.majorityRate)) }

        observer(
            .training(
                method: recipe.training.method.rawValue, steps: setup.totalSteps,
                trainableParameters: setup.parameters.layout.count, folder: folder.path))
        var record = try RunRecord(setup, folder: folder)
        let ending = try train(setup, &record, observer: observer)
        if record.meter.stepsTaken > 0 {
            try setup.parameters.writePEFT(to: folder.adapterPath, baseModel: recipe.model.path)
        }

        var score: Scores?
        if case .completed = ending { score = try evaluation?.score(setup.parameters).classes }
        let summary = record.summary(ending, baseline: baseline, score: score, seconds: clock.now.seconds)
        try folder.write(json: summary, to: "summary.json")
        switch ending {
        case .completed: break
        case .interrupted: throw RunError.interrupted(folder: folder.path, steps: summary.steps)
        case .failed(let error): throw error
        }
        observer(.finished(summary))
        return summary
    }

    private func prepare(observer: (RunEvent) -> Void) throws -> (LanguageModel, PreparedData) {
        let clock = RoleClock()
        observer(.loadingModel(path: cache.resolve(recipe.model.path)))
        let prepared = try PreparedModel(recipe, cache: cache)
        observer(
            .loadedModel(
                parameters: prepared.model.parameterCount, layers: prepared.model.hyperparameters.layers,
                seconds: clock.now.seconds))
        let data = try PreparedData(recipe, tokenizer: prepared.tokenizer, endToken: prepared.endToken, cache: cache)
        let shards = zip(recipe.devices.cuts, data.shards).enumerated().map { number, part in
            RunEvent.Shard(
                device: EmbeddedRun.deviceID(number), cut: part.0,
                samplesByLabel: data.labels.indices.map { label in part.1.count { $0.label == label } })
        }
        observer(.preparedData(labels: data.labels, test: data.test.count, shards: shards))
        return (prepared.model, data)
    }

    /// Test sentences with their frozen activations, or nil when the recipe wants no score.
    private func evaluationSet(
        _ setup: TrainingSetup, _ examples: [EncodedExample], folder: RunFolder,
        observer: @escaping @Sendable (RunEvent) -> Void
    ) throws -> EvaluationSet? {
        guard !examples.isEmpty else { return nil }
        return try EvaluationSet(
            model: setup.model, head: setup.head, examples: examples, frozenBlocks: recipe.model.frozenBlocks,
            pool: setup.pool
        ) { [self] done, count in
            if control.withLock(\.isStopping) { throw RunError.interrupted(folder: folder.path, steps: 0) }
            observer(.evaluating(done: done, of: count))
        }
    }

    private func train(
        _ setup: TrainingSetup, _ record: inout RunRecord, observer: (RunEvent) -> Void
    ) throws -> RunEnding {
        switch recipe.training.method {
        case .central:
            do {
                try CentralRun(setup: setup).train(shouldStop: { control.withLock(\.isStopping) }) { report in
                    observer(try record.take(report))
                }
            } catch let error as TrainingError {
                return .failed(error)
            }
            return control.withLock(\.isStopping) ? .interrupted : .completed
        case .splitfrozen:
            let embedded = try EmbeddedRun(setup, run: record.folder.id)
            let isStopping = control.withLock { control in
                control.embedded = embedded
                return control.isStopping
            }
            if isStopping { embedded.stop() }
            let outcome = try embedded.train { event in
                if let news = try record.take(event) { observer(news) }
            }
            record.take(outcome)
            return RunEnding(outcome)
        }
    }
}

extension Recipe {
    /// The threads of the compute pool.
    var threadCount: Int { threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount }
}
