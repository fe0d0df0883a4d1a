import Coordinator

/// What a run tells while it goes on, for whoever shows it.
public enum RunEvent: Sendable {
    /// The model file is being read.
    case loadingModel(path: String)
    /// Of prepared blocks.
    case prepared(PreparedNews)
    /// The model is there.
    case loadedModel(parameters: Int, layers: Int, seconds: Double)
    /// The sentences are read, split, dealt and encoded.
    case preparedData(labels: [String], test: Int, shards: [Shard])
    /// Test sentences pass the frozen blocks, which happens once for all scores.
    case evaluating(done: Int, of: Int)
    /// The model was scored before training.
    case baseline(RunScore)
    /// Training begins, or goes on after a step.
    case training(method: String, steps: Int, startStep: Int, trainableParameters: Int, folder: String)
    /// A device has published more of its sentences.
    case published(device: Int, samples: Int, of: Int)
    /// A step was taken.
    case step(TrainingLine)
    /// The run is over.
    case finished(RunSummary)

    /// One device's part of the training sentences.
    public struct Shard: Sendable {
        /// The device's id.
        public let device: String
        /// Blocks that the device computes.
        public let cut: Int
        /// Training examples on the device.
        public let samples: Int
        /// Examples by class; empty where answers are words.
        public let samplesByLabel: [Int]
    }
}

/// One step as people and scripts read it; the field names never change.
public struct TrainingLine: Codable, Sendable, Equatable {
    /// Counted from 1.
    public var step: Int
    /// Steps of the whole run.
    public var steps: Int
    /// Counted from 1.
    public var epoch: Int
    /// Mean cross-entropy of the batch, in nats.
    public var loss: Double
    /// Share of right predictions in the batch; nil where only losses are told.
    public var acc: Double?
    /// Learning rate.
    public var lr: Double
    /// Training tokens per second since training began.
    public var tokensPerSecond: Double
    /// Share of the time since training began in which no step was running, or in which a stage of it waited: of a pipeline
    /// the mean over its stages.
    public var bubble: Double
    /// Samples in the store that no step has used yet in this epoch.
    public var queue: Int
    /// Bytes per second that devices sent since training began.
    public var bytesUpPerSecond: Double
    /// Resident memory now.
    public var memoryBytes: Int
    /// Since training began.
    public var seconds: Double
}
