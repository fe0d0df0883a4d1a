import Diagnostics

/// What a run was and what it reached: `summary.json`, and the block that ends the run's output.
public struct RunSummary: Codable, Sendable, Equatable {
    /// How a run ended.
    public enum State: String, Codable, Sendable {
        /// Every step of every epoch was taken.
        case completed
        /// The user stopped it; the adapter is that of the last step.
        case interrupted
        /// Somebody was lost or could not go on; the adapter is that of the last step.
        case failed
    }

    /// The run's id.
    public var run: String
    /// How it ended.
    public var state: State
    /// Which method trained.
    public var method: String
    /// The test examples after training, nil without evaluation.
    public var score: RunScore?
    /// The same for the model before training.
    public var baseline: RunScore?
    /// Training examples.
    public var trainSamples: Int
    /// Optimizer steps taken.
    public var steps: Int
    /// Epochs begun.
    public var epochs: Int
    /// Tokens that passed the trainable blocks forward and backward.
    public var trainTokens: Int
    /// Training tokens per second of `trainSeconds`.
    public var tokensPerSecond: Double
    /// Loss of the last epoch's steps, mean in nats.
    public var finalLoss: Double
    /// From the first device's start to the last step.
    public var trainSeconds: Double
    /// The whole run with loading and evaluation.
    public var wallSeconds: Double
    /// Compute time of all devices together; nil where only they know it.
    public var deviceSeconds: Double?
    /// Compute time of the server: frozen blocks for weaker devices, and training steps.
    public var serverSeconds: Double
    /// Bytes that the devices' sockets sent; received by the worker's where only it was asked.
    public var bytesUp: Int
    /// Bytes that the devices' sockets received; sent by the worker's where only it was asked.
    public var bytesDown: Int
    /// The most memory that was resident.
    public var peakRssBytes: Int
    /// Parameters in training.
    public var trainableParameters: Int
    /// The folder of what was trained, nil when no step was taken.
    public var adapterPath: String?
    /// Median of F0 of a message: the frozen blocks that a weaker device left out; nil when there was none.
    public var frozenForwardSeconds: Double?
    /// What the pipeline did; nil where micro-batches were trained side by side.
    public var pipeline: PipelineSummary?
    /// The run's seed.
    public var seed: UInt64
}
