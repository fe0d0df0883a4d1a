/// When the operations of one step were done, measured.
public struct StepTrace: Sendable, Equatable {
    /// One operation.
    public struct Entry: Sendable, Equatable {
        /// What was computed.
        public var operation: StageOperation
        /// The stage whose thread did it.
        public var thread: Int
        /// Since the step's begin.
        public var start: Duration
        /// Since the step's begin.
        public var end: Duration
        /// What lay in the stage's stash afterwards.
        public var stashedBytes: Int
    }

    /// When the step began.
    public var begin: ContinuousClock.Instant
    /// Whether B did W as well.
    public var fusesBackward: Bool
    /// The operations of each stage, in the order in which they ended.
    public var stages: [[Entry]]

    /// A trace of what was done.
    public init(begin: ContinuousClock.Instant, fusesBackward: Bool, stages: [[Entry]]) {
        self.begin = begin
        self.fusesBackward = fusesBackward
        self.stages = stages
    }

    /// From the step's begin to its last end.
    public var duration: Duration { stages.reduce(.zero) { max($0, $1.last?.end ?? .zero) } }

    /// Of each stage's thread, the share of the step in which it did none of the step's operations. F0 that it did
    /// meanwhile counts as waiting.
    public var waitRatios: [Double] {
        var busy = stages.map { _ in Duration.zero }
        for entry in stages.joined() { busy[entry.thread] += entry.end - entry.start }
        return busy.map { duration > .zero ? 1 - $0 / duration : 0 }
    }

    /// The most micro-batches that lay between F and W on each stage.
    public var stashHighWater: [Int] { stages.indices.map { stashed(on: $0).max() ?? 0 } }

    /// The most bytes that lay between F and W on each stage.
    public var stashedBytesHighWater: [Int] { stages.map { $0.map(\.stashedBytes).max() ?? 0 } }

    /// The micro-batches that lay between F and W on a stage after each of its operations.
    func stashed(on stage: Int) -> [Int] {
        var under = 0
        return stages[stage].map { entry in
            switch entry.operation.kind {
            case .forward: under += 1
            case .backwardWeights: under -= 1
            default: break
            }
            return under
        }
    }
}
