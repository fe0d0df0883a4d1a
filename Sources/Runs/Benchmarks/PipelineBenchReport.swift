import Diagnostics

/// What was measured of a pipeline on this machine. Rates, ratios and bubbles are medians of rounds.
public struct PipelineBenchReport: Codable, Sendable {
    /// One way to train.
    public struct Row: Codable, Sendable {
        /// A schedule's name; nil for one place.
        public var schedule: String?
        /// Training tokens per second: the optimizer's step included, but for stages that are emulated.
        public var tokensPerSecond: Double
        /// That of the shortest step of all rounds: whatever else the machine does makes steps longer.
        public var bestTokensPerSecond: Double
        /// Share of the rate in one place in the same round; nil where that was not measured, or with emulated stages.
        public var ratio: Double?
        /// Mean over the stages, simulated from costs measured before, without F0; 0 for one place.
        public var predictedBubble: Double
        /// Mean over the stages, median of the steps; with F0 as work where there is any, and then of all time; 0 for one
        /// place.
        public var measuredBubble: Double
        /// The processor's time of a step, of all threads.
        public var processorSeconds: Double
        /// The most bytes resident; of a process that measures one way alone, what that way takes.
        public var peakBytes: Int
        /// What the stages did in the last round; nil for one place.
        public var pipeline: PipelineSummary?
    }

    /// Of the machine.
    public var processors: Int
    /// Its name.
    public var model: String
    /// What trains: lora or full.
    public var trainable: String
    /// What threads have to do with stages: helping, apart or emulated.
    public var manner: String
    /// As asked for.
    public var stages: Int
    /// Blocks that devices left to the worker: each micro-batch's F0, two steps ahead.
    public var frozenBlocks: Int
    /// As asked for.
    public var microBatches: Int
    /// As asked for.
    public var tokens: Int
    /// As asked for.
    public var rounds: Int
    /// Parameters in training.
    public var trainableParameters = 0
    /// In the order in which they were asked for.
    public var rows: [Row] = []

    /// Whether times of stages are simulated from operations that were run one after another.
    public var isSimulated: Bool { manner == "emulated" }
}
