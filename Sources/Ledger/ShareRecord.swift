/// How much of a run's steps a worker has computed, as the worker that takes them has told since it was started.
public struct ShareRecord: Codable, Sendable, Equatable {
    /// The run.
    public var run: String
    /// The worker's id.
    public var worker: String
    /// That it computed.
    public var microBatches: Int
    /// When this was recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// What a worker computed.
    public init(run: String, worker: String, microBatches: Int) {
        self.run = run
        self.worker = worker
        self.microBatches = microBatches
        time = 0
    }
}

extension ShareRecord: StampedRow {
    static let table = "shares"
    static let key = ["run", "worker"]
}
