/// A run of training, as the ledger knows it.
public struct RecordedRun: Codable, Sendable, Equatable {
    /// How far a run has come.
    public enum State: String, Codable, Sendable, CaseIterable {
        case gathering, training, stopping, completed, interrupted, failed

        /// Whether nothing more will happen.
        public var isOver: Bool { self == .completed || self == .interrupted || self == .failed }
    }

    /// Unique in the ledger.
    public var id: String
    /// The recipe's name.
    public var recipeName: String
    /// The resolved recipe, as YAML.
    public var recipe: String
    /// Every use of chance in the run draws from it.
    @StoredBits public var seed: UInt64
    /// How far the run has come.
    public var state: State
    /// Steps that the run will take in all, nil while the number of samples is not known.
    public var plannedSteps: Int?
    /// The newest recorded step, 0 before the first. The ledger sets it.
    public var step: Int
    /// The hash of the newest recorded step, in which the chain of steps ends. The ledger sets it.
    public var chainHash: String
    /// The number with which the run ended.
    public var exitCode: Int32?
    /// Why the run ended, in a sentence.
    public var reason: String?
    /// Seconds since 1970. The ledger sets it.
    public var begun: Double
    /// Seconds since 1970, nil while the run goes on. The ledger sets it.
    public var ended: Double?

    /// A run that gathers its devices.
    public init(id: String, recipeName: String, recipe: String, seed: UInt64, plannedSteps: Int? = nil) {
        self.id = id
        self.recipeName = recipeName
        self.recipe = recipe
        self.seed = seed
        state = .gathering
        self.plannedSteps = plannedSteps
        step = 0
        chainHash = StepChain.start(run: id)
        begun = 0
    }
}

extension RecordedRun: LedgerRow {
    static let table = "runs"
    static let key = ["id"]
}

/// Everything that a coordinator needs to go on with a run after its restart.
public struct RunState: Sendable, Equatable {
    /// The run itself, with its newest step and that step's hash.
    public var run: RecordedRun
    /// All devices of the run, by number.
    public var devices: [DeviceRecord]
    /// All workers of the run, by id.
    public var workers: [WorkerRecord]
    /// Each device's newest assignment, by device id.
    public var assignments: [AssignmentRecord]
    /// Each device's newest figures, by device id.
    public var cursors: [CursorRecord]
    /// What each listening role has refused since it was started, by role and id.
    public var refusals: [RefusalRecord]
    /// What the computations of each worker have taken.
    public var compute: [ComputeRecord]
    /// How much of the steps each worker computed, by worker; empty when there was never a replica.
    public var shares: [ShareRecord]
    /// The most memory of each device that has said so, by device id.
    public var peaks: [PeakRecord]
    /// What waits at each worker that has told, by worker.
    public var queues: [QueueRecord]
    /// What stages did in the newest step of each worker that walks any, by worker and stage.
    public var stages: [StageRecord]
    /// The newest generation of any assignment or plan, 0 before the first.
    public var generation: Int
    /// The newest plan.
    public var plan: PlanRecord?
    /// The newest recorded step.
    public var newestStep: StepRecord?
}
