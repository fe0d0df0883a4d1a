import Datasets
import Methods
import Wire

/// The reference run: the same samples in the same order, trained in one place without devices, messages or replay.
struct CentralRun {
    let setup: TrainingSetup
    /// Training examples by device.
    let shards: [[EncodedExample]]

    /// Trains from where the trainer stands to the end, or until `shouldStop`.
    ///
    /// - Parameter observer: called after every step.
    /// - Throws: `TrainingError`, or what the observer throws.
    func train(
        shouldStop: () -> Bool, observer: (Body.StepReport) throws -> Void
    ) throws {
        let training = setup.recipe.training
        let central = CentralTraining(
            model: setup.model, frozenBlocks: setup.recipe.model.frozenBlocks, microBatch: training.microBatch)
        let start = setup.position(after: setup.trainer.step)
        for epoch in stride(from: start.epoch, through: training.epochs, by: 1) {
            let order = SampleOrder.global(
                seed: setup.recipe.seed, counts: setup.counts, epoch: epoch)
            let batches = Batches.cut(order, size: training.batch)
            for batch in batches.dropFirst(epoch == start.epoch ? start.batch : 0) {
                guard !shouldStop() else { return }
                let examples = batch.map { shards[$0.device][$0.index] }
                let result = try central.step(setup.trainer, on: examples)
                try observer(
                    Body.StepReport(
                        step: UInt64(result.step), epoch: UInt32(epoch), loss: result.loss,
                        accuracy: result.accuracy, learningRate: result.learningRate, tokens: UInt64(result.tokens),
                        samples: UInt64(examples.count), seconds: result.seconds, queueDepth: 0, bytesUp: 0))
            }
        }
    }
}
