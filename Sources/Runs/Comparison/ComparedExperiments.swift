import Balancing
import Datasets
import Diagnostics
import Experiments
import Foundation
import Methods
import Models
import Recipes
import Synchronization
import Tensors

/// Runs keys of a comparison on the recipe's model and data. Made once for all runs, also those at the same time: weights
/// and what is scored are shared.
struct ComparedExperiments: Sendable {
    private let recipe: Recipe
    private let fleet: Fleet
    private let prepared: PreparedModel
    private let data: PreparedData
    private let head: OutputHead
    private let form: TrainableLayout.Form
    private let speed: ServerSpeed
    private let pool: ComputePool
    private let evaluation: SharedEvaluation

    /// Reads model and data, refuses spreads of labels that the data cannot have, and measures the server once for all
    /// runs, also those after a kill.
    ///
    /// - Throws: what model, data or fleet are refused with; `FileError.unwritable`.
    init(_ comparison: ComparisonRun, folder: RunFolder) throws {
        recipe = comparison.recipe
        fleet = comparison.fleet
        pool = ComputePool(threads: recipe.threadCount)
        // Some methods train what others freeze.
        prepared = try PreparedModel(
            recipe, forwardOnly: 0, trunkBlocks: recipe.comparison.trunkBlocks, cache: comparison.cache)
        data = try PreparedData(recipe, tokenizer: prepared.tokenizer, chat: prepared.chat, cache: comparison.cache)
        head = try OutputHead(recipe, model: prepared.model, labelTokens: data.task.labelTokens)
        evaluation = SharedEvaluation(
            model: prepared.model, head: head, examples: data.test, onTheWay: recipe.comparison.samplesOnTheWay,
            pool: pool)
        form = TrainableLayout(recipe, model: prepared.model.hyperparameters).form
        let file = try FleetFile(
            yaml: comparison.fleetFile.yaml, file: comparison.fleetFile.path, for: .comparison)
        for imbalance in recipe.comparison.imbalances {
            try file.checkSkew(
                labels: data.labels.count, examples: data.trainTexts.count, otherwise: imbalance.rule)
        }
        speed = try Self.speed(recipe, model: prepared.model, head: head, form: form, data: data, folder: folder)
        for method in ComparisonPlan(recipe).methods { try checkMemory(of: method, file) }
    }

    /// Refuses a fleet with a class that cannot hold what a method needs, before hours have gone into other methods.
    ///
    /// - Throws: `RecipeError` with the line of the class's memory.
    private func checkMemory(of method: ComparisonPlan.Method, _ file: FleetFile) throws {
        // TSFA's largest rank is that of SOFT; its own is decided by training.
        let name =
            method.name == Recipe.ComparedMethod.tsfa.rawValue ? Recipe.ComparedMethod.soft.rawValue : method.name
        let key = ExperimentKey(
            method: name, imbalance: ComparisonPlan.sweepImbalance, seed: recipe.comparison.seeds[0])
        do {
            _ = try experiment(.init(key: key, learningRate: method.rates[0]))
        } catch let error as ExperimentError {
            guard case .deviceTooSmall(let device, _, let needed, _) = error,
                let member = fleet.members.first(where: { $0.id == device })
            else { throw error }
            try file.checkMemory(for: method.name) { $0.name == fleet.classes[member.kind].name ? needed : 0 }
            throw error
        }
    }

    /// One run, from the untrained model to the end of its budget.
    ///
    /// - Throws: `CancellationError` after `shouldStop`, `ExperimentError`, `TrainingError.diverged`.
    func run(
        _ job: ExperimentJob, shouldStop: () -> Bool, progress: (ExperimentResult.Point) -> Void
    ) throws -> ExperimentResult {
        try experiment(job).run(shouldStop: shouldStop, progress: progress)
    }

    private func experiment(_ job: ExperimentJob) throws -> ExperimentRun {
        let skew = Recipe.Partition(job.key.imbalance) ?? .iid
        let assignment = try fleet.assign(
            labels: data.trainTexts.map { $0.label ?? 0 }, labelCount: max(1, data.labels.count), otherwise: skew.rule,
            seed: job.key.seed)
        let shards = try assignment.map { part in try part.map { try data.task.encode(data.trainTexts[$0]) } }
        let task = ExperimentTask(
            model: prepared.model, head: head, shards: shards, evaluation: evaluation,
            fleet: fleet,
            cuts: fleet.members.map { recipe.cut(of: fleet.classes[$0.kind].name) }, speed: speed)
        let tokens = shards.reduce(0) { $0 + $1.reduce(0) { $0 + $1.tokens.count } }
        let settings = recipe.settings(
            of: job, form: form, tokenBudget: recipe.comparison.tokenBudget ?? recipe.training.epochs * tokens)
        return try ExperimentRun(task, settings, key: job.key, pool: pool)
    }

    /// The server's, as it was measured before the first run: runs are compared on one server.
    private static func speed(
        _ recipe: Recipe, model: LanguageModel, head: OutputHead, form: TrainableLayout.Form, data: PreparedData,
        folder: RunFolder
    ) throws -> ServerSpeed {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        if let known = FileManager.default.contents(atPath: "\(folder.path)/server.json"),
            let speed = try? decoder.decode(ServerSpeed.self, from: known)
        {
            return speed
        }
        let usual = data.shards.joined().prefix(recipe.training.microBatch)
        let speed = try ServerSpeed(
            measuring: model, head: head, form: form, classes: recipe.classifierRows,
            lengths: usual.map(\.tokens.count),
            targets: usual.map(\.targets.count).max() ?? 1
        ).times(Double(recipe.threadCount))
        try folder.write(json: speed, to: "server.json")
        return speed
    }
}

extension ComparisonRun {
    /// Runs whatever has not ended yet on the recipe's model and data. Blocks the calling thread.
    ///
    /// - Returns: the whole comparison, and its folder, which has a report.
    /// - Throws: a `NumberedError` for whatever a user can mend; `ComparisonError.interrupted`.
    public func run(
        observer: (ComparisonEvent) -> Void
    ) throws -> (comparison: Comparison, folder: String) {
        let folder = try makeFolder()
        // A comparison that has ended, and only wants its tables again, reads no model.
        let experiments = Mutex<ComparedExperiments?>(nil)
        return try run(
            { [self] job, shouldStop, progress in
                let ready = try experiments.withLock { experiments in
                    let ready = try experiments ?? ComparedExperiments(self, folder: folder)
                    experiments = ready
                    return ready
                }
                return try ready.run(job, shouldStop: shouldStop, progress: progress)
            }, in: folder, observer: observer)
    }
}

extension Recipe {
    /// Rows of a trained classifier, nil without one.
    fileprivate var classifierRows: Int? { task.head == .classifier ? task.labels.count : nil }

    fileprivate func settings(
        of job: ExperimentJob, form: TrainableLayout.Form, tokenBudget: Int
    ) -> ExperimentSettings {
        let method = methodSettings(of: job)
        return ExperimentSettings(
            method: method, form: form, classes: classifierRows, frozenBlocks: model.frozenBlocks,
            batch: method.isFederated ? comparison.localBatch ?? training.batch : training.batch,
            tokenBudget: tokenBudget, evaluations: comparison.evaluations,
            learningRate: job.learningRate, shape: LearningRateSchedule.Shape(training.schedule),
            optimizerStates: training.optimizerStateCount, optimizer: { [training] in training.makeOptimizer($0) })
    }

    private func methodSettings(of job: ExperimentJob) -> MethodSettings {
        guard let method = ComparedMethod(rawValue: job.key.method) else {
            preconditionFailure("a plan has the recipe's methods")
        }
        let local = comparison.localSteps
        var probes = MethodSettings.Probes(
            pairs: comparison.probePairs, epsilon: Float(comparison.probeEpsilon),
            deviceLearningRate: comparison.probeLearningRate)
        switch method {
        case .central: return .central
        case .splitfrozen: return .splitfrozen(messageSamples: devices.publishBatch)
        case .splitlora: return .splitlora(averagingSteps: comparison.averagingSteps)
        case .splitloraReference:
            return .splitlora(averagingSteps: comparison.averagingSteps, followsPublishedCode: true)
        case .fedlora: return .fedlora(localSteps: local)
        case .fedloraFair: return .fedlora(localSteps: local, isFair: true)
        case .hosl: return .hosl(probes)
        case .hoslCode:
            probes.followsPublishedCode = true
            return .hosl(probes)
        case .zo:
            probes.deviceLearningRate = job.learningRate
            return .zo(probes)
        case .soft, .softEntries, .softSVD:
            let sent: MethodSettings.Sparse.Sent =
                method == .softEntries ? .entries : method == .softSVD ? .truncatedProducts : .ranks
            return .soft(.init(localSteps: local, sparsity: comparison.sparsity, sent: sent))
        case .tsfa:
            return .soft(
                .init(
                    localSteps: local, allocation: .init(limitSeconds: comparison.latencySeconds)))
        }
    }
}
