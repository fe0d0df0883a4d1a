import Checkpoints
import Diagnostics
import Foundation
import Methods
import Models
import Recipes
import Synchronization
import Tensors
import Wire
import Worker

/// What a worker's process keeps of one run on its disk, in the shape of a run's folder: recipe, metrics, checkpoints,
/// what was trained, and beside them the activation store.
final class WorkerState: Sendable {
    /// What there is once every device has said how many samples it holds.
    private struct Training: Sendable {
        let setup: TrainingSetup
        let checkpoints: CheckpointWriter
        let startStep: Int
        let totals: TrainingTotals
        let used: [UInt64]
    }

    let folder: RunFolder
    private let recipe: Recipe
    private let resolved: String
    private let cache: CacheFolder
    private let prepared: PreparedModel
    private let labelTokens: [Int]
    private let pool: ComputePool
    private let tracer: Tracer?
    private let training = Mutex<Training?>(nil)
    private let newestCheckpoint: Mutex<Int>

    /// Opens the folder of a run, made if need be.
    ///
    /// - Parameter onSkipped: is told of each newer checkpoint that is not whole.
    /// - Throws: `RunError`, `FileError.unwritable`.
    init(
        _ invitation: Invitation, in state: String, cache: CacheFolder, prepared: PreparedModel, labelTokens: [Int],
        pool: ComputePool, tracer: Tracer?,
        onSkipped: (_ folder: String, any NumberedError) -> Void
    ) throws {
        folder = try RunFolder(run: invitation.run, in: state)
        try folder.write(invitation.text, to: "recipe.yaml")
        let newest = try RunCheckpoint.latest(in: folder.checkpoints) { onSkipped($0.path, $1) }
        newestCheckpoint = Mutex(newest?.state.step ?? 0)
        recipe = invitation.recipe
        resolved = invitation.text
        self.cache = cache
        self.prepared = prepared
        self.labelTokens = labelTokens
        self.pool = pool
        self.tracer = tracer
    }

    /// Where the activation store lies.
    var storePath: String { "\(folder.path)/store" }

    /// The training that has begun, and what a record of it needs.
    var begun: (setup: TrainingSetup, startStep: Int, totals: TrainingTotals)? {
        training.withLock { $0.map { ($0.setup, $0.startStep, $0.totals) } }
    }

    /// The checkpoints of the training that has begun.
    var checkpoints: CheckpointWriter? { training.withLock { $0?.checkpoints } }

    /// How the worker's role trains.
    var workerTraining: WorkerTraining {
        WorkerTraining(
            begin: { [self] counts in
                let (setup, unrecorded) = try begin(counts)
                return (setup.trainer, unrecorded)
            },
            usedSamples: { [self] in training.withLock { $0?.used ?? [] } },
            afterStep: { [self] report, unrecorded in
                try checkpoints?.took(report, unrecorded: unrecorded)
                let interval = recipe.training.checkpointSteps, step = Int(report.step)
                if interval > 0, step % interval == 0 { newestCheckpoint.withLock { $0 = step } }
            },
            checkpoint: { [self] unrecorded in
                try checkpoints?.write(unrecorded)
                try writeTrained()
                let newest = try RunCheckpoint.latest(in: folder.checkpoints) { _, _ in }
                if let newest { newestCheckpoint.withLock { $0 = newest.state.step } }
                return newest.map { ($0.state.step, $0.files) }
            },
            adopt: { [self] step, files in
                try RunCheckpoint.adopt(files, into: folder.checkpoints, keeping: recipe.training.checkpointsKept)
                newestCheckpoint.withLock { $0 = step }
            },
            checkpointStep: { [self] in newestCheckpoint.withLock { $0 } },
            pipeline: { [self] in begun?.setup.pipeline?.summary },
            newestStep: { [self] in begun.flatMap { $0.setup.pipeline?.newestStep(after: $0.startStep) } })
    }

    /// Writes what was trained once every step is taken: before the coordinator hears of it, for a worker that dies later
    /// finds nobody who would let it in.
    private func writeTrained() throws {
        guard let setup = begun?.setup, setup.trainer.step == setup.totalSteps else { return }
        try setup.parameters.write(to: folder.adapterPath, baseModel: recipe.model.path)
    }

    /// Makes what trains, as the newest checkpoint has left it.
    ///
    /// - Returns: with it, steps that the coordinator may not know.
    func begin(_ counts: [Int]) throws -> (setup: TrainingSetup, unrecorded: [Body.StepReport]) {
        let setup = try TrainingSetup(
            recipe, model: prepared.model, counts: counts, labelTokens: labelTokens, pool: pool, tracer: tracer)
        let checkpoint = try RunCheckpoint.latest(in: folder.checkpoints) { _, _ in }
        if let checkpoint {
            try setup.resume(from: checkpoint)
        } else if let start = recipe.lora.start {
            try setup.parameters.start(from: cache.resolve(start))
        }
        let totals = checkpoint.map { TrainingTotals(meters: $0.state.meters) } ?? TrainingTotals()
        let used = try checkpoint?.usedSampleIDs() ?? []
        let writer = CheckpointWriter(
            setup, folder: folder, recipe: resolved, baseline: nil, totals: totals, used: used)
        training.withLock {
            $0 = Training(setup: setup, checkpoints: writer, startStep: setup.trainer.step, totals: totals, used: used)
        }
        return (setup, try checkpoint?.stepReports() ?? [])
    }
}

extension RunCheckpoint {
    /// The steps that the coordinator may not have written down.
    ///
    /// - Throws: `CheckpointError.damaged`.
    fileprivate func stepReports() throws(CheckpointError) -> [Body.StepReport] {
        do {
            return try StepReportList.decode([UInt8](reports))
        } catch {
            throw .damaged(folder: folder.path, file: Self.reportsName, reason: error.description)
        }
    }
}
