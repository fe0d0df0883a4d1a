import Diagnostics

/// What a stage did in the newest step that its worker told of.
public struct StageRecord: Codable, Sendable, Equatable {
    /// The run.
    public var run: String
    /// The worker that walks the stage.
    public var worker: String
    /// From 0.
    public var stage: Int
    /// From 1.
    public var step: Int
    /// In the order in which they ended.
    public var operations: [StepOperations.Operation]
    /// When this was recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// What a stage did.
    public init(run: String, worker: String, stage: Int, step: Int, operations: [StepOperations.Operation]) {
        self.run = run
        self.worker = worker
        self.stage = stage
        self.step = step
        self.operations = operations
        time = 0
    }
}

extension StageRecord: StampedRow {
    static let table = "stages"
    static let key = ["run", "worker", "stage"]
}
