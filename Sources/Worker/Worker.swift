import Methods
import Queueing
import Tensors

/// The server's worker: takes in activations, runs the frozen blocks that weaker devices left out, and trains.
///
/// `run` is the thin loop around `WorkerMachine`.
public final class Worker: Sendable {
    private let configuration: Configuration
    private let context: ZeroMQContext
    private let forward: FrozenForward
    private let store: any ActivationStore
    private let pool: ComputePool
    private let training: WorkerTraining
    private let results: Mailbox<WorkerCompute.Result>

    /// - Parameters:
    ///   - store: keeps each sample's activations once. What a durable one has from an earlier process is not asked for
    ///     again.
    ///   - training: what trains; its trainer is used by this worker alone until `run` returns.
    /// - Throws: `TransportError` when the system has no file descriptor left.
    public init(
        _ configuration: Configuration, context: ZeroMQContext, forward: FrozenForward,
        store: any ActivationStore, pool: ComputePool, training: WorkerTraining
    ) throws(TransportError) {
        self.configuration = configuration
        self.context = context
        self.forward = forward
        self.store = store
        self.pool = pool
        self.training = training
        results = try Mailbox()
    }

    /// Takes part in the run until every step is taken or somebody says stop. Blocks the calling thread. To be called
    /// once.
    ///
    /// - Parameter observer: told what happens, on this thread; it must return soon. What it throws ends the worker.
    /// - Throws: `TrainingError`, `WorkerError`, `StoreError`, `PatienceError`, `TransportError`, or what `training`
    ///   throws; the coordinator was told if it could be.
    @discardableResult
    public func run(observer: (WorkerEvent) throws -> Void = { _ in }) throws -> WorkerOutcome {
        let coordinator = try ControlLink(
            context: context, run: configuration.run, sender: configuration.id,
            endpoint: configuration.coordinatorEndpoint, security: configuration.coordinatorSecurity,
            timing: configuration.timing, heartbeatInterval: configuration.heartbeatInterval,
            silenceLimit: configuration.silenceLimit, patience: configuration.patience)
        let compute = WorkerCompute(
            forward: forward, training: training, store: store, pool: pool, microBatch: configuration.microBatch,
            results: results, tracer: configuration.tracer)
        // The trainer and the store belong to whoever called as soon as this returns.
        defer { compute.close() }
        return try coordinator.reportingFailure {
            try withoutActuallyEscaping(observer) { observer in
                try WorkerLoop(
                    configuration, context: context, width: forward.width, store: store, compute: compute,
                    checkpointStep: training.checkpointStep, coordinator: coordinator, observer: observer
                ).run()
            }
        }
    }

    /// Lets the worker leave in good order: no more messages, the step under way to its end, a checkpoint, and what the
    /// coordinator says then. Asked once more, it does not wait for the coordinator. From any thread.
    public func stop() { results.post(.asked) }
}
