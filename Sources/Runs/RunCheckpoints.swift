import Checkpoints
import Datasets
import Foundation
import Methods
import Queueing
import Synchronization
import Tensors
import Wire

/// Writes the checkpoints of a run, on the thread that takes its steps: nothing changes what trains meanwhile.
final class CheckpointWriter: Sendable {
    private let setup: TrainingSetup
    private let folder: RunFolder
    private let recipe: String
    private let baseline: RunScore?
    private let earlierSeconds: Double
    private let clock = RoleClock()
    private let totals: Mutex<TrainingTotals>
    /// Nil where the seed tells which samples were used.
    private let used: Mutex<EpochSamples>?

    /// Begins the clock of training.
    ///
    /// - Parameters:
    ///   - recipe: resolved, as the run's folder has it.
    ///   - totals: of the process that was resumed.
    ///   - used: what the steps of the current epoch have trained, as the checkpoint has it.
    init(
        _ setup: TrainingSetup, folder: RunFolder, recipe: String, baseline: RunScore?, totals: TrainingTotals,
        used: [UInt64] = []
    ) {
        self.setup = setup
        self.folder = folder
        self.recipe = recipe
        self.baseline = baseline
        earlierSeconds = totals.seconds
        self.totals = Mutex(totals)
        let epoch = setup.position(after: setup.trainer.step).epoch
        self.used = setup.recipe.training.order.followsArrivals ? Mutex(EpochSamples(epoch: epoch, ids: used)) : nil
    }

    /// Counts a step, and writes a checkpoint when one is due.
    ///
    /// - Parameter unrecorded: steps that the coordinator has not written down.
    /// - Throws: `FileError.unwritable`.
    func took(_ step: Body.StepReport, unrecorded: [Body.StepReport] = []) throws {
        totals.withLock {
            $0.add(
                epoch: Int(step.epoch), loss: step.loss, tokens: Int(step.tokens), stepSeconds: step.seconds,
                seconds: earlierSeconds + clock.now.seconds)
        }
        used?.withLock { $0.add(step) }
        let interval = setup.recipe.training.checkpointSteps
        if interval > 0, Int(step.step) % interval == 0, step.step < setup.totalSteps { try write(unrecorded) }
    }

    /// Writes a checkpoint of the newest step, unless the recipe wants none.
    ///
    /// - Parameter unrecorded: steps that the coordinator has not written down.
    /// - Throws: `FileError.unwritable`.
    func write(_ unrecorded: [Body.StepReport] = []) throws {
        let training = setup.recipe.training, step = setup.trainer.step
        guard training.checkpointSteps > 0 else { return }
        let begun = ContinuousClock.now
        defer { setup.tracer?.span("checkpoint", row: "steps", from: begun, ["step": .number(step)]) }
        let position = setup.position(after: step)
        var meters = totals.withLock(\.meters)
        if let baseline { meters.merge(baseline.meters) { $1 } }
        let tensors = setup.trainer.state.map { state in
            (state.name, (shape: [state.values.layout.count], matrix: state.values.flat))
        }
        try RunCheckpoint.write(
            state: CheckpointState(
                step: step, epoch: position.epoch - 1, batchInEpoch: position.batch, seed: setup.recipe.seed,
                trainableParameters: setup.parameters.layout.count, optimizerStep: step,
                method: training.method.rawValue, meters: meters),
            tensors: Dictionary(uniqueKeysWithValues: tensors), recipe: recipe,
            reports: Data(StepReportList.encode(unrecorded)),
            usedSamples: used?.withLock { $0.data(before: position) } ?? Data(),
            to: folder.checkpoints, keeping: training.checkpointsKept)
    }
}

extension TrainingSetup {
    /// Where the step that follows so many others lies.
    func position(after step: Int) -> StepPosition {
        StepPosition(after: step, samples: samples, batchSize: recipe.training.batch)
    }

    /// Puts what trains, and what the optimizer remembers, where a checkpoint has left it.
    ///
    /// - Throws: `RunError.notResumable` when the checkpoint has other parameters, `SafetensorsError` when it lacks some.
    func resume(from checkpoint: RunCheckpoint) throws {
        let count = parameters.layout.count, found = checkpoint.state.trainableParameters
        guard found == count else {
            throw RunError.notResumable(
                path: checkpoint.folder.path,
                reason: "it has \(found) trainable parameters, and the recipe with this model has \(count)")
        }
        guard checkpoint.state.step <= totalSteps else {
            throw RunError.notResumable(
                path: checkpoint.folder.path,
                reason: "it is of step \(checkpoint.state.step), and the recipe with this data has \(totalSteps)")
        }
        for state in trainer.state { try checkpoint.tensors.read(state.name, into: state.values.flat) }
        trainer.resume(afterStep: checkpoint.state.step)
    }
}
