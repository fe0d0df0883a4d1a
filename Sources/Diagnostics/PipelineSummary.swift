/// What a run's pipeline did: part of a run's summary, told by its worker and kept in the ledger.
public struct PipelineSummary: Codable, Sendable, Equatable {
    /// One stage.
    public struct Stage: Codable, Sendable, Equatable {
        /// First and last block, from 1.
        public var blocks: [Int]
        /// Share of the steps' time in which the stage's thread did none of their operations.
        public var bubble: Double
        /// Median of F of a micro-batch, of late ones.
        public var forwardSeconds: Double
        /// Median of B of a micro-batch; of B and W together where the schedule fuses them.
        public var backwardInputSeconds: Double
        /// Median of W of a micro-batch.
        public var backwardWeightsSeconds: Double
        /// The most micro-batches that lay between F and W.
        public var stashedMicroBatches: Int
        /// The most bytes that lay between F and W.
        public var stashedBytes: Int

        /// The figures of a stage.
        public init(
            blocks: [Int], bubble: Double, forwardSeconds: Double, backwardInputSeconds: Double,
            backwardWeightsSeconds: Double, stashedMicroBatches: Int, stashedBytes: Int
        ) {
            self.blocks = blocks
            self.bubble = bubble
            self.forwardSeconds = forwardSeconds
            self.backwardInputSeconds = backwardInputSeconds
            self.backwardWeightsSeconds = backwardWeightsSeconds
            self.stashedMicroBatches = stashedMicroBatches
            self.stashedBytes = stashedBytes
        }
    }

    /// Which schedule.
    public var schedule: String
    /// Mean over the stages, simulated from costs measured before training.
    public var predictedBubble: Double
    /// Mean over the stages.
    public var measuredBubble: Double
    /// From the first stage to the last.
    public var stages: [Stage]

    /// The figures of a pipeline.
    public init(schedule: String, predictedBubble: Double, measuredBubble: Double, stages: [Stage]) {
        self.schedule = schedule
        self.predictedBubble = predictedBubble
        self.measuredBubble = measuredBubble
        self.stages = stages
    }

    /// Whether every figure is a number.
    public var isFinite: Bool {
        let seconds = stages.flatMap {
            [$0.bubble, $0.forwardSeconds, $0.backwardInputSeconds, $0.backwardWeightsSeconds]
        }
        return ([predictedBubble, measuredBubble] + seconds).allSatisfy(\.isFinite)
    }
}
