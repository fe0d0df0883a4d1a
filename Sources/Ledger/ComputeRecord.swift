import Diagnostics

/// What a worker's computations have taken since it was started.
public struct ComputeRecord: Codable, Sendable, Equatable {
    /// The run.
    public var run: String
    /// The worker's id.
    public var worker: String
    /// Median of F0 of a message, nil before the first.
    public var frozenForwardSeconds: Double?
    /// What its stages did; nil before the first step, and without stages.
    public var pipeline: PipelineSummary?
    /// When this was recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// Figures of a worker.
    public init(run: String, worker: String, frozenForwardSeconds: Double?, pipeline: PipelineSummary?) {
        self.run = run
        self.worker = worker
        self.frozenForwardSeconds = frozenForwardSeconds
        self.pipeline = pipeline
        time = 0
    }
}

extension ComputeRecord: StampedRow {
    static let table = "compute"
    static let key = ["run", "worker"]
}
