import Balancing
import Checkpoints
import Diagnostics
import Experiments
import Foundation
import Queueing
import Recipes
import Synchronization

/// All runs of a comparison, some at a time, each kept when it has ended, and the report.
public final class ComparisonRun: Sendable {
    /// What runs one key: it tells every evaluation, and ends with `CancellationError` soon after it should stop.
    public typealias Experiment =
        @Sendable (
            _ job: ExperimentJob, _ shouldStop: () -> Bool, _ progress: (ExperimentResult.Point) -> Void
        ) throws -> ExperimentResult

    let recipe: Recipe
    let cache: CacheFolder
    let fleet: Fleet
    /// The fleet's file and its text, for errors that name a line.
    let fleetFile: (path: String, yaml: String)
    private let resumed: RunFolder?
    private let isStopping = Atomic(false)

    /// A comparison that has not begun.
    ///
    /// - Throws: `ComparisonError`, or `RecipeError` for a fleet that is no good.
    public convenience init(_ recipe: Recipe, cache: CacheFolder = CacheFolder()) throws {
        guard let file = recipe.comparison.fleet else { throw ComparisonError.noFleet(recipe: recipe.name) }
        try self.init(recipe, fleet: cache.resolve(file), cache: cache, resumed: nil)
    }

    /// A comparison that goes on after the runs that have ended.
    ///
    /// - Throws: `RunError` when there is nothing to go on with, or when another process is at it.
    public convenience init(resuming path: String, cache: CacheFolder = CacheFolder()) throws {
        guard Self.isComparison(path) else {
            throw RunError.notResumable(path: path, reason: "it is no comparison's folder, as it has no fleet.yaml")
        }
        let folder = try RunFolder(existing: path)
        try self.init(
            Recipe.load(file: "\(folder.path)/recipe.yaml"), fleet: "\(folder.path)/fleet.yaml", cache: cache,
            resumed: folder)
    }

    private init(_ recipe: Recipe, fleet file: String, cache: CacheFolder, resumed: RunFolder?) throws {
        self.recipe = recipe
        self.cache = cache
        self.resumed = resumed
        let read = try FleetFile(file: file, for: .comparison)
        fleet = read.fleet
        fleetFile = (file, read.yaml)
        let known = fleet.classes.map(\.name)
        if let stranger = recipe.comparison.cuts.keys.sorted().first(where: { !known.contains($0) }) {
            throw ComparisonError.unknownClass(key: "compare.cuts", name: stranger, known: known)
        }
    }

    /// Whether a folder is a comparison's rather than a run's.
    public static func isComparison(_ path: String) -> Bool {
        ["recipe.yaml", "fleet.yaml"].allSatisfy { FileManager.default.fileExists(atPath: "\(path)/\($0)") }
    }

    /// Ends the comparison after the steps under way; the runs that they belong to are lost. Callable from any thread.
    public func stop() { isStopping.store(true, ordering: .relaxed) }

    /// Runs whatever has not ended yet. Blocks the calling thread.
    ///
    /// - Parameters:
    ///   - experiment: called on threads of its own, several at a time.
    ///   - observer: called on the calling thread.
    /// - Returns: the whole comparison, and its folder, which has a report.
    /// - Throws: what an experiment throws, but for divergence, which is a result; `ComparisonError.interrupted`.
    public func run(
        _ experiment: @escaping Experiment, observer: (ComparisonEvent) -> Void
    ) throws -> (comparison: Comparison, folder: String) {
        try run(experiment, in: makeFolder(), observer: observer)
    }

    /// The folder of a comparison that goes on, or a new one.
    func makeFolder() throws -> RunFolder {
        let folder = try resumed ?? RunFolder(parent: cache.resolve(recipe.runs), name: recipe.name)
        try folder.write(fleetFile.yaml, to: "fleet.yaml")
        try folder.write(recipe.resolvedYAML(), to: "recipe.yaml")
        return folder
    }

    func run(
        _ experiment: @escaping Experiment, in folder: RunFolder, observer: (ComparisonEvent) -> Void
    ) throws -> (comparison: Comparison, folder: String) {
        var kept = try ComparisonRecords(in: folder)
        var comparison = Comparison(recipe, fleet: fleet, records: kept.records)
        let count = comparison.plan.runCount, atOnce = recipe.comparison.runsAtOnce ?? recipe.threadCount
        observer(.began(folder: folder.path, done: comparison.orderedRecords.count, of: count))
        try ComparisonReport(comparison).write(to: folder)
        let lanes = ExperimentLanes { [self] job, hasFailed, progress in
            try Self.outcome {
                try experiment(job, { hasFailed() || isStopping.load(ordering: .relaxed) }, progress)
            }
        }
        // Threads use what the experiment has, the model for one, until they end.
        defer { lanes.end() }
        func tell(_ job: ExperimentJob, _ point: ExperimentResult.Point?) {
            let left = comparison.plan.secondsLeft(after: comparison.records, atOnce: atOnce)
            let spent = lanes.running.values.reduce(0) { $0 + $1.now.seconds } / Double(atOnce)
            let done = comparison.orderedRecords.count
            observer(
                .running(
                    .init(
                        job: job, done: done, count: count, point: point, secondsLeft: left.map { max(0, $0 - spent) }))
            )
        }
        while true {
            while !isStopping.load(ordering: .relaxed), lanes.running.count < atOnce,
                let job = comparison.plan.next(after: comparison.records, besides: Set(lanes.running.keys))
            {
                tell(job, nil)
                lanes.begin(job)
            }
            guard !lanes.running.isEmpty else { break }
            switch lanes.next() {
            case .scored(let job, let point): tell(job, point)
            case .ended(let job, let seconds, let result):
                do {
                    let record = try ExperimentRecord(job: job, seconds: seconds, result: result.get())
                    try kept.keep(record)
                    comparison.records = kept.records
                    observer(.ended(record, done: comparison.orderedRecords.count, of: count))
                    try ComparisonReport(comparison).write(to: folder)
                } catch is CancellationError {
                    stop()
                }
            }
        }
        guard comparison.plan.next(after: comparison.records) == nil else {
            throw ComparisonError.interrupted(
                folder: folder.path, done: comparison.orderedRecords.count, of: count)
        }
        return (comparison, folder.path)
    }

    /// Nil for a run that diverged: of a learning rate that is too high, that is what there is to know.
    private static func outcome(_ run: () throws -> ExperimentResult) throws -> ExperimentResult? {
        do {
            let result = try run()
            return result.points.allSatisfy { $0.loss.isFinite && $0.accuracy.isFinite } ? result : nil
        } catch let error as any NumberedError where error.exitCode == .diverged {
            return nil
        }
    }
}

extension Comparison {
    fileprivate init(_ recipe: Recipe, fleet: Fleet, records: [ExperimentJob: ExperimentRecord]) {
        self.init(
            name: recipe.name, fleet: fleet.name,
            classes: fleet.classes.map { .init(name: $0.name, count: $0.count, memoryBytes: $0.memoryBytes) },
            choices: recipe.comparisonChoices(fleet), plan: ComparisonPlan(recipe), records: records)
    }
}

extension ComparisonPlan {
    /// What a recipe compares.
    init(_ recipe: Recipe) {
        let comparison = recipe.comparison
        self.init(
            methods: comparison.methods.map { method in
                let given =
                    comparison.learningRates[method]
                    ?? (method.isFirstOrder ? recipe.training.learningRate : comparison.probeLearningRate)
                let isSwept =
                    method.isFirstOrder && comparison.learningRates[method] == nil && !comparison.sweep.isEmpty
                return .init(name: method.rawValue, rates: isSwept ? comparison.sweep : [given])
            },
            imbalances: comparison.imbalances.map(\.description), seeds: comparison.seeds)
    }
}
