/// Where a training step lies in a run that goes through all samples once an epoch, batch by batch.
///
/// The last batch of an epoch keeps what is left; no batch reaches into the next epoch.
public struct StepPosition: Sendable, Equatable {
    /// The step's epoch, from 1.
    public let epoch: Int
    /// Steps of that epoch before this one.
    public let batch: Int

    /// The step that follows `steps` others.
    ///
    /// - Parameters:
    ///   - samples: of all devices.
    ///   - batchSize: samples of one step, at least one.
    public init(after steps: Int, samples: Int, batchSize: Int) {
        let stepsPerEpoch = max(1, samples / batchSize + (samples % batchSize == 0 ? 0 : 1))
        epoch = steps / stepsPerEpoch + 1
        batch = steps % stepsPerEpoch
    }
}
