/// What the stages of a pipeline did in one step, and when: measured, told by workers, drawn while the run goes on.
public struct StepOperations: Codable, Sendable, Equatable {
    /// What was computed.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Frozen blocks that a device left out.
        case frozenForward = "F0"
        /// Forward.
        case forward = "F"
        /// The gradient of the input; with that of the weights where the schedule fuses both.
        case backwardInput = "B"
        /// The gradient of the weights.
        case backwardWeights = "W"
    }

    /// One operation.
    public struct Operation: Codable, Sendable, Equatable {
        /// What was computed.
        public var op: Kind
        /// Of which micro-batch, from 0.
        public var microBatch: Int
        /// Since the step's begin.
        public var startSeconds: Double
        /// Since the step's begin.
        public var endSeconds: Double

        /// An operation.
        public init(op: Kind, microBatch: Int, startSeconds: Double, endSeconds: Double) {
            self.op = op
            self.microBatch = microBatch
            self.startSeconds = startSeconds
            self.endSeconds = endSeconds
        }
    }

    /// One stage.
    public struct Stage: Codable, Sendable, Equatable {
        /// From 0.
        public var stage: Int
        /// In the order in which they ended.
        public var operations: [Operation]

        /// What a stage did.
        public init(stage: Int, operations: [Operation]) {
            self.stage = stage
            self.operations = operations
        }
    }

    /// A step with more is not told of.
    public static let mostOperations = 2048
    /// Stages of which a step may tell.
    public static let mostStages = 64

    /// From 1.
    public var step: Int
    /// Those of which the worker knows.
    public var stages: [Stage]

    /// What the stages did in a step.
    public init(step: Int, stages: [Stage]) {
        self.step = step
        self.stages = stages
    }

    /// Whether there are no more operations than anybody draws, each with a begin before its end.
    public var isPlausible: Bool {
        step > 0 && stages.count <= Self.mostStages
            && stages.reduce(0) { $0 + $1.operations.count } <= Self.mostOperations
            && stages.allSatisfy { stage in
                (0..<Self.mostStages).contains(stage.stage)
                    && stage.operations.allSatisfy {
                        $0.startSeconds >= 0 && $0.endSeconds >= $0.startSeconds && $0.endSeconds.isFinite
                    }
            }
    }
}
