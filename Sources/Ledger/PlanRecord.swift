/// A plan of who runs how many blocks, and why.
public struct PlanRecord: Codable, Sendable, Equatable {
    /// The run that is planned.
    public var run: String
    /// Grows with every new plan of the run.
    public var generation: Int
    /// How long the run should take from its begin, nil when nothing was measured yet.
    public var predictedSeconds: Double?
    /// The plan and its reasons, as JSON.
    public var json: String
    /// When it was made, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// A plan.
    public init(run: String, generation: Int, predictedSeconds: Double?, json: String) {
        self.run = run
        self.generation = generation
        self.predictedSeconds = predictedSeconds
        self.json = json
        time = 0
    }
}

extension PlanRecord: StampedRow {
    static let table = "plans"
    static let key = ["run", "generation"]
}

/// What a device was told to do from a generation on.
public struct AssignmentRecord: Codable, Sendable, Equatable {
    /// The run of the device.
    public var run: String
    /// Grows with every change of the run's assignments.
    public var generation: Int
    /// The device's id.
    public var device: String
    /// The worker that it publishes to.
    public var worker: String
    /// Blocks that it runs before publishing.
    public var cut: Int
    /// Payload bytes that it may have on their way.
    public var creditBytes: Int
    /// Why, in a sentence.
    public var reason: String
    /// When it was decided, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// An assignment.
    public init(
        run: String, generation: Int, device: String, worker: String, cut: Int, creditBytes: Int, reason: String
    ) {
        self.run = run
        self.generation = generation
        self.device = device
        self.worker = worker
        self.cut = cut
        self.creditBytes = creditBytes
        self.reason = reason
        time = 0
    }
}

extension AssignmentRecord: StampedRow {
    static let table = "assignments"
    static let key = ["run", "generation", "device"]
}
