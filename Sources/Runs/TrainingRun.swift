import Checkpoints
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

/// A whole run from a recipe: model and data in, baseline, training, score, and the run folder.
public final class TrainingRun: Sendable {
    private struct Control {
        var isStopping = false
        /// Ends what trains.
        var stop: (@Sendable () -> Void)?
    }

    private let recipe: Recipe
    private let cache: CacheFolder
    /// The folder and the newest checkpoint of a run that goes on; nil for a new one.
    private let resumed: (folder: RunFolder, checkpoint: RunCheckpoint)?
    private let trace: Trace?
    private let control = Mutex(Control())

    /// A run that has not begun.
    ///
    /// - Parameter trace: where the worker and the devices are traced.
    public init(_ recipe: Recipe, cache: CacheFolder = CacheFolder(), trace: Trace? = nil) {
        self.recipe = recipe
        self.cache = cache
        self.trace = trace
        resumed = nil
    }

    /// A run that goes on after its newest whole checkpoint.
    ///
    /// - Parameters:
    ///   - path: the run's folder.
    ///   - trace: where the worker and the devices are traced.
    ///   - onSkipped: is told of each newer checkpoint that is not whole.
    /// - Throws: `RunError` when there is nothing to go on with, or when another process trains there.
    public init(
        resuming path: String, cache: CacheFolder = CacheFolder(), trace: Trace? = nil,
        onSkipped: (_ folder: String, any NumberedError) -> Void
    ) throws {
        guard FileManager.default.fileExists(atPath: "\(path)/recipe.yaml") else {
            throw RunError.notResumable(path: path, reason: "it is no run's folder, as it has no recipe.yaml")
        }
        let folder = try RunFolder(existing: path)
        if folder.summary?.state == .completed {
            throw RunError.notResumable(path: path, reason: "the run has come to its end")
        }
        let newest = try RunCheckpoint.latest(in: folder.checkpoints) { onSkipped($0.path, $1) }
        guard let checkpoint = newest else {
            throw RunError.notResumable(path: path, reason: "it has no whole checkpoint")
        }
        recipe = try Recipe.parse(yaml: checkpoint.recipe, file: "\(checkpoint.folder.path)/recipe.yaml")
        self.cache = cache
        self.trace = trace
        resumed = (folder, checkpoint)
    }

    /// The step after which a resumed run goes on; 0 for a new one.
    public var startStep: Int { resumed?.checkpoint.state.step ?? 0 }

    /// Ends the run as soon as its folder is whole: after the step under way. Callable from any thread.
    public func stop() {
        let stop = control.withLock { control in
            control.isStopping = true
            return control.stop
        }
        stop?()
    }

    /// Runs to the end. Blocks the calling thread.
    ///
    /// - Parameter observer: called for everything that happens, on the calling thread and, while test examples are
    ///   scored, on those of the pool.
    /// - Throws: a `NumberedError` for whatever a user can mend; `RunError.interrupted` after `stop`.
    public func run(observer: @escaping @Sendable (RunEvent) -> Void) throws -> RunSummary {
        let clock = RoleClock()
        let pool = ComputePool(threads: recipe.serverThreadCount)
        let (prepared, data) = try prepare(pool, observer: observer)
        let setup = try TrainingSetup(
            recipe, model: prepared.model, counts: data.shards.map(\.count), labelTokens: data.task.labelTokens,
            pool: pool, tracer: trace?.role("worker-1"))
        try begin(setup)
        let folder = try resumed?.folder ?? RunFolder(parent: cache.resolve(recipe.runs), name: recipe.name)
        let resolved = try recipe.resolvedYAML()
        try folder.write(resolved, to: "recipe.yaml")

        let progress: Scorer.Progress = { [self] done, count in
            if control.withLock(\.isStopping) {
                throw RunError.interrupted(folder: folder.path, steps: setup.trainer.step)
            }
            observer(.evaluating(done: done, of: count))
        }
        let scorer =
            try data.test.isEmpty
            ? nil
            : Scorer(
                recipe, prepared: prepared, data: data, head: setup.head,
                frozenBlocks: recipe.blocksBelowTraining, pool: setup.pool, progress: progress)
        let baseline = try baseline(setup, scorer, progress: progress)
        if let baseline { observer(.baseline(baseline)) }

        observer(
            .training(
                method: recipe.training.method.rawValue, steps: setup.totalSteps, startStep: startStep,
                trainableParameters: setup.parameters.layout.count, folder: folder.path))
        let totals = resumed.map { TrainingTotals(meters: $0.checkpoint.state.meters) } ?? TrainingTotals()
        let used = try resumed?.checkpoint.usedSampleIDs() ?? []
        let checkpoints = CheckpointWriter(
            setup, folder: folder, recipe: resolved, baseline: baseline, totals: totals, used: used)
        var record = try RunRecord(setup, folder: folder, startStep: startStep, totals: totals)
        let ending = try train(setup, data.shards, used, &record, checkpoints, observer: observer)
        if record.meter.stepsTaken > 0 {
            try setup.parameters.write(to: folder.adapterPath, baseModel: recipe.model.path)
        }

        var score: RunScore?
        switch ending {
        case .completed:
            if let scorer {
                // Scoring can take longer than training, and can be interrupted as well.
                if !recipe.training.method.trainsOnDevices { try checkpoints.write() }
                score = try scorer.score(setup.parameters, progress: progress).score
            }
        case .interrupted where setup.trainer.step > startStep: try checkpoints.write()
        case .interrupted, .failed: break
        }
        let summary = record.summary(ending, baseline: baseline, score: score, seconds: clock.now.seconds)
        try folder.write(json: summary, to: "summary.json")
        switch ending {
        case .completed: break
        case .interrupted where recipe.training.method.trainsOnDevices:
            throw RunError.interruptedForGood(folder: folder.path, steps: summary.steps, method: summary.method)
        case .interrupted: throw RunError.interrupted(folder: folder.path, steps: summary.steps)
        case .failed(let error): throw error
        }
        observer(.finished(summary))
        return summary
    }

    private func prepare(
        _ pool: ComputePool, observer: @escaping @Sendable (RunEvent) -> Void
    ) throws -> (PreparedModel, PreparedData) {
        let clock = RoleClock()
        observer(.loadingModel(path: cache.resolve(recipe.model.path)))
        let prepared = try PreparedModel(
            recipe, loadedBlocks: recipe.serverBlocks, loading: .atOnce(pool), cache: cache
        ) { observer(.prepared($0)) }
        observer(
            .loadedModel(
                parameters: prepared.model.parameterCount, layers: prepared.model.hyperparameters.layers,
                seconds: clock.now.seconds))
        let data = try PreparedData(
            recipe, tokenizer: prepared.tokenizer, chat: prepared.chat, cache: cache)
        let shards = zip(recipe.devices.cuts, data.shards).enumerated().map { number, part in
            RunEvent.Shard(
                device: recipe.devices.id(number),
                cut: recipe.deviceBlocks(part.0, layers: prepared.model.hyperparameters.layers), samples: part.1.count,
                samplesByLabel: data.labels.indices.map { label in part.1.count { $0.label == label } })
        }
        observer(.preparedData(labels: data.labels, test: data.test.count, shards: shards))
        return (prepared, data)
    }

    /// Puts the parameters where training begins: fresh, as an adapter from elsewhere has them, or as a checkpoint has.
    private func begin(_ setup: TrainingSetup) throws {
        if let checkpoint = resumed?.checkpoint { return try setup.resume(from: checkpoint) }
        guard let start = recipe.lora.start else { return }
        try setup.parameters.start(from: cache.resolve(start))
    }

    private func baseline(
        _ setup: TrainingSetup, _ scorer: Scorer?, progress: @escaping Scorer.Progress
    ) throws -> RunScore? {
        if let resumed { return RunScore(meters: resumed.checkpoint.state.meters) }
        guard recipe.evaluation.baseline else { return nil }
        return try scorer?.score(setup.parameters, progress: progress).score
    }

    private func train(
        _ setup: TrainingSetup, _ shards: [[EncodedExample]], _ used: [UInt64], _ record: inout RunRecord,
        _ checkpoints: CheckpointWriter,
        observer: (RunEvent) -> Void
    ) throws -> RunEnding {
        guard setup.trainer.step < setup.totalSteps else { return .completed }
        switch recipe.training.method {
        case .central:
            do {
                try CentralRun(setup: setup, shards: shards).train(shouldStop: { control.withLock(\.isStopping) }) {
                    report in
                    // The log first: a checkpoint never knows of a step that the log does not have.
                    observer(try record.take(report))
                    try checkpoints.took(report)
                }
            } catch let error as TrainingError {
                return .failed(error)
            }
            return setup.trainer.step < setup.totalSteps ? .interrupted : .completed
        case .splitfrozen:
            let embedded = try EmbeddedRun(setup, shards: shards, run: record.folder.id, used: used, trace: trace) {
                try checkpoints.took($0)
            }
            stopWith { embedded.stop() }
            let outcome = try embedded.train { event in
                if let news = try record.take(event) { observer(news) }
            }
            record.take(outcome)
            return RunEnding(outcome)
        case .splitlora, .fedlora, .hosl, .zo, .soft:
            let run = try MethodRun(setup, shards: shards, run: record.folder.id, trace: trace)
            stopWith { run.stop() }
            do {
                let ended = try run.train { observer(try record.take($0)) }
                record.take(server: ended.server, devices: ended.devices)
                return ended.isCompleted ? .completed : .interrupted
            } catch let error as any NumberedError where !(error is RunError) {
                return .failed(error)
            }
        }
    }

    /// What ends training when somebody wishes it, or did already.
    private func stopWith(_ stop: @escaping @Sendable () -> Void) {
        let isStopping = control.withLock { control in
            control.stop = stop
            return control.isStopping
        }
        if isStopping { stop() }
    }
}

extension Recipe {
    /// Blocks that a device with an entry in `devices.cuts` computes.
    fileprivate func deviceBlocks(_ cut: Int, layers: Int) -> Int {
        training.method.isFederated ? layers : deviceCut(cut)
    }

    /// Where the model is split for a device with an entry in `devices.cuts`.
    func deviceCut(_ cut: Int) -> Int { training.method.trainsOnDevices ? commonCut : cut }

    /// The threads of the compute pool.
    var threadCount: Int { threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount }

    /// The same where stages have a thread each.
    var serverThreadCount: Int { max(threadCount, pipeline.stages) }
}
