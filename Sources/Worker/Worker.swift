import Datasets
import Diagnostics
import Methods
import Queueing
import Tensors
import Wire

/// The server's worker: takes in activations, runs the frozen blocks that weaker devices left out, and trains.
///
/// `run` is the thin loop around `WorkerMachine`.
public final class Worker: Sendable {
    /// Who the worker is and what the run asks of it.
    public struct Configuration: Sendable {
        /// The run's id.
        public var run: String
        /// The worker's id, unique in the run.
        public var id: String
        /// Where the coordinator listens.
        public var coordinatorEndpoint: String
        /// Where the worker waits for devices.
        public var deviceEndpoint: String
        /// How often every sample is trained.
        public var epochs: Int
        /// Samples of one optimizer step.
        public var batch: Int
        /// Samples computed together.
        public var microBatch: Int
        /// Blocks below the adapters.
        public var frozenBlocks: Int
        /// Targets are below it: the number of classes, or the size of the vocabulary.
        public var targetLimit: Int
        /// The longest sample, in tokens.
        public var maximumTokens: Int
        /// Bytes a device may have on their way.
        public var creditBytesPerDevice: Int
        /// Steps that the run has already taken, 0 or more: training begins with the next one of the planned order.
        /// The trainer is as those steps left it.
        public var startStep: Int
        /// How often the coordinator hears of the worker at least.
        public var heartbeatInterval: Duration

        /// The configuration of one worker.
        public init(
            run: String, id: String, coordinatorEndpoint: String, deviceEndpoint: String, epochs: Int, batch: Int,
            microBatch: Int, frozenBlocks: Int, targetLimit: Int, maximumTokens: Int, creditBytesPerDevice: Int,
            startStep: Int = 0, heartbeatInterval: Duration = .seconds(1)
        ) {
            self.heartbeatInterval = heartbeatInterval
            self.run = run
            self.id = id
            self.coordinatorEndpoint = coordinatorEndpoint
            self.deviceEndpoint = deviceEndpoint
            self.epochs = epochs
            self.batch = batch
            self.microBatch = microBatch
            self.frozenBlocks = frozenBlocks
            self.targetLimit = targetLimit
            self.maximumTokens = maximumTokens
            self.creditBytesPerDevice = creditBytesPerDevice
            self.startStep = startStep
        }
    }

    private let configuration: Configuration
    private let context: ZeroMQContext
    private let forward: FrozenForward
    private let trainer: Trainer
    private let store: any ActivationStore
    private let pool: ComputePool
    private let afterStep: @Sendable (Trainer.StepResult) throws -> Void

    /// - Parameters:
    ///   - trainer: used by this worker alone until `run` returns.
    ///   - store: keeps each sample's activations once.
    ///   - afterStep: called between two steps, when nothing changes what trains, while the step is being reported; what
    ///     it throws ends the worker.
    public init(
        _ configuration: Configuration, context: ZeroMQContext, forward: FrozenForward, trainer: Trainer,
        store: any ActivationStore, pool: ComputePool,
        afterStep: @escaping @Sendable (Trainer.StepResult) throws -> Void = { _ in }
    ) {
        self.afterStep = afterStep
        self.configuration = configuration
        self.context = context
        self.forward = forward
        self.trainer = trainer
        self.store = store
        self.pool = pool
    }

    /// Takes part in the run until every step is taken or somebody says stop. Blocks the calling thread.
    ///
    /// - Throws: `TrainingError`, `WorkerError` or `TransportError`; the coordinator was told if it could be.
    public func run() throws {
        let coordinator = try ControlLink(
            context: context, run: configuration.run, sender: configuration.id,
            endpoint: configuration.coordinatorEndpoint, heartbeatInterval: configuration.heartbeatInterval)
        let compute = try WorkerCompute(
            forward: forward, trainer: trainer, store: store, pool: pool, microBatch: configuration.microBatch,
            afterStep: afterStep)
        // The trainer belongs to whoever called as soon as this returns.
        defer { compute.waitForStep() }
        try coordinator.reportingFailure {
            try WorkerLoop(
                configuration, context: context, width: forward.width, store: store, compute: compute,
                coordinator: coordinator
            ).run()
        }
    }
}
