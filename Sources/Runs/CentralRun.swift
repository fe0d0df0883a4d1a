import Datasets
import Methods
import Wire

/// The reference run: the same samples in the same order, trained in one place without devices, messages or replay.
struct CentralRun {
    let setup: TrainingSetup

    /// Trains to the end, or until `shouldStop`.
    ///
    /// - Parameter observer: called after every step.
    /// - Throws: `TrainingError`, or what the observer throws.
    func train(shouldStop: () -> Bool, observer: (Body.StepReport) throws -> Void) throws {
        let training = setup.recipe.training
        let central = CentralTraining(
            model: setup.model, frozenBlocks: setup.recipe.model.frozenBlocks, microBatch: training.microBatch)
        for epoch in 1...training.epochs {
            let order = SampleOrder.global(
                seed: setup.recipe.seed, counts: setup.shards.map(\.count), epoch: epoch)
            for batch in Batches.cut(order, size: training.batch) {
                guard !shouldStop() else { return }
                let examples = batch.map { setup.shards[$0.device][$0.index] }
                let start = ContinuousClock.now
                let result = try central.step(setup.trainer, on: examples)
                try observer(
                    Body.StepReport(
                        step: UInt64(result.step), epoch: UInt32(epoch), loss: result.loss,
                        accuracy: result.accuracy, learningRate: result.learningRate,
                        tokens: UInt64(examples.reduce(0) { $0 + $1.tokens.count }), samples: UInt64(examples.count),
                        seconds: (ContinuousClock.now - start).seconds, queueDepth: 0, bytesUp: 0))
            }
        }
    }
}
