/// When the operations of one step were done, measured.
public struct StepTrace: Sendable, Equatable {
    /// One operation.
    public struct Entry: Sendable, Equatable {
        /// What was computed.
        public var operation: StageOperation
        /// Since the step's begin.
        public var start: Duration
        /// Since the step's begin.
        public var end: Duration
    }

    /// Of each stage, in the order in which they were done.
    public var stages: [[Entry]]

    /// A trace of what was done.
    public init(stages: [[Entry]]) { self.stages = stages }

    /// From the step's begin to its last end.
    public var duration: Duration { stages.reduce(.zero) { max($0, $1.last?.end ?? .zero) } }

    /// Of each stage, the share of the step in which it did none of its operations. What it helped with meanwhile counts
    /// as waiting.
    public var waitRatios: [Double] {
        stages.map { entries in
            let busy = entries.reduce(Duration.zero) { $0 + ($1.end - $1.start) }
            return duration > .zero ? 1 - busy / duration : 0
        }
    }

    /// The most micro-batches that lay between F and W on each stage.
    public var stashHighWater: [Int] {
        stages.map { entries in
            var under = 0, most = 0
            for entry in entries {
                switch entry.operation.kind {
                case .forward: under += 1
                case .backwardWeights: under -= 1
                default: break
                }
                most = max(most, under)
            }
            return most
        }
    }
}
