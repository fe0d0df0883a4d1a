import Coordinator
import Datasets
import Device
import Diagnostics
import Dispatch
import Methods
import Queueing
import Recipes
import Synchronization
import Tensors
import Wire
import Worker

/// Coordinator, worker and devices of one run in one process: the same roles and messages as between machines, over
/// `inproc://`.
///
/// Every role has a thread of its own for its sockets; all of them compute on one pool.
public final class EmbeddedRun: Sendable {
    private let setup: TrainingSetup
    private let shards: [[EncodedExample]]
    private let run: String
    private let used: [UInt64]
    private let afterStep: @Sendable (Body.StepReport) throws -> Void
    private let trace: Trace?
    private let context: ZeroMQContext
    private let coordinator: Coordinator
    private let failure = Mutex<(any Error)?>(nil)
    /// Signalled for every step that the observer was told of.
    private let toldOfStep = DispatchSemaphore(value: 0)
    /// Whether the observer will not be told of anything any more.
    private let isOver = Atomic(false)

    /// - Parameters:
    ///   - shards: training examples by device.
    ///   - run: the run's id, which every message carries.
    ///   - used: what the steps of the current epoch have trained before, where the seed does not tell.
    ///   - trace: where devices are traced.
    ///   - afterStep: called between two steps, when nothing changes what trains and the observer was told of the step;
    ///     what it throws ends the run.
    /// - Throws: `TransportError`.
    public init(
        _ setup: TrainingSetup, shards: [[EncodedExample]], run: String, used: [UInt64] = [], trace: Trace? = nil,
        afterStep: @escaping @Sendable (Body.StepReport) throws -> Void = { _ in }
    ) throws {
        self.setup = setup
        self.shards = shards
        self.run = run
        self.trace = trace
        self.used = used
        self.afterStep = afterStep
        context = try ZeroMQContext()
        let devices = setup.recipe.devices
        var configuration = Coordinator.Configuration(
            run: run, endpoint: "inproc://coordinator",
            devices: devices.cuts.enumerated().map { .init(id: devices.id($0), cut: $1) },
            seed: setup.recipe.seed, silenceLimit: .seconds(devices.silenceSeconds),
            // The trainer is as the steps before have left it.
            epoch: setup.position(after: setup.trainer.step).epoch)
        configuration.codec = .fixed(setup.codec)
        coordinator = try Coordinator(configuration, context: context)
    }

    /// Ends the run after the step under way. Callable from any thread.
    public func stop() { coordinator.stop() }

    /// Trains to the end. Blocks the calling thread, which must not be one of the pool's.
    ///
    /// - Parameter observer: called on the calling thread for everything that happens.
    /// - Throws: `TransportError`, what the observer throws, or what a role throws before it could join.
    public func train(observer: (CoordinatorEvent) throws -> Void) throws -> CoordinatorOutcome {
        let roles = DispatchGroup()
        let outcome = try coordinate(roles, observer: observer)
        // Everybody was told to stop and does so within a step: until then they use the model and the store.
        roles.wait()
        // A role that never reached the coordinator could only stop the run, not say why.
        if case .interrupted = outcome, let error = failure.withLock({ $0 }) { throw error }
        return outcome
    }

    private func coordinate(
        _ roles: DispatchGroup, observer: (CoordinatorEvent) throws -> Void
    ) throws -> CoordinatorOutcome {
        // Whatever ends the news: a step that waits for them must end, as the coordinator waits for it in turn.
        func over() {
            isOver.store(true, ordering: .sequentiallyConsistent)
            toldOfStep.signal()
        }
        defer { over() }
        return try coordinator.run(isListening: { endpoint in
            do {
                try startRoles(coordinator: endpoint, in: roles)
            } catch {
                failed(error)
            }
        }) { event in
            do {
                try observer(event)
            } catch {
                over()
                throw error
            }
            if case .step = event { toldOfStep.signal() }
        }
    }

    private func startRoles(coordinator endpoint: String, in group: DispatchGroup) throws {
        let forward = FrozenForward(model: setup.model)
        let worker = try worker(coordinator: endpoint, forward: forward)
        start("worker", in: group) { _ = try worker.run() }
        for (number, examples) in shards.enumerated() {
            let id = setup.recipe.devices.id(number)
            var configuration = Device.Configuration(
                run: run, id: id, coordinatorEndpoint: endpoint, publishBatch: setup.recipe.devices.publishBatch,
                codec: setup.codec, heartbeatInterval: heartbeatInterval)
            configuration.compression = setup.recipe.payloadCompression
            configuration.tracer = trace?.role(id)
            let device = Device(
                configuration, context: context, examples: examples, forward: forward, pool: setup.pool)
            start(id, in: group) { try device.run() }
        }
    }

    private func worker(coordinator endpoint: String, forward: FrozenForward) throws -> Worker {
        let recipe = setup.recipe
        var configuration = Worker.Configuration(
            run: run, id: "worker-1", coordinatorEndpoint: endpoint, deviceEndpoint: "inproc://worker-1",
            epochs: recipe.training.epochs, batch: recipe.training.batch, microBatch: recipe.training.microBatch,
            frozenBlocks: recipe.model.frozenBlocks, targetLimit: setup.head.outputs,
            maximumTokens: recipe.task.maximumTokens, creditBytesPerDevice: recipe.devices.creditBytes,
            heartbeatInterval: heartbeatInterval)
        configuration.tracer = setup.tracer
        configuration.order = recipe.training.order
        return try Worker(
            configuration, context: context, forward: forward,
            store: MemoryActivationStore(capacityBytes: recipe.store.capacityBytes, codec: setup.codec),
            pool: setup.pool,
            training: WorkerTraining(
                begin: { [setup] _ in (setup.trainer, []) },
                usedSamples: { [used] in used },
                afterStep: { [self] step, _ in
                    // One step is under way at a time, so that the last signal is for whoever waits then.
                    if !isOver.load(ordering: .sequentiallyConsistent) { toldOfStep.wait() }
                    try afterStep(step)
                }))
    }

    private var heartbeatInterval: Duration { setup.recipe.devices.heartbeatInterval }

    private func failed(_ error: any Error) {
        failure.withLock { $0 = $0 ?? error }
        coordinator.stop()
    }

    /// Runs a role on a thread of its own. A role that fails tells the coordinator, if it got far enough to know it.
    private func start(_ name: String, in group: DispatchGroup, _ body: @escaping @Sendable () throws -> Void) {
        RoleThread.start(name, in: group, onFailure: { [self] in failed($0) }, body)
    }
}

extension TrainingSetup {
    /// How activations are written on the wire and kept in the store.
    var codec: PayloadCodec { recipe.payloadCodec }
}

extension Recipe {
    /// How activations are kept in the store, and written on the wire as long as each device writes the same. What devices
    /// write as their links ask is kept exactly; and within a process no link asks for anything.
    var payloadCodec: PayloadCodec {
        switch devices.codec {
        case .f32, .auto: .f32
        case .bf16: .bf16
        case .int8: .int8
        case .int4Residual: .int4Residual
        case .int4: .int4
        }
    }
}

extension Recipe {
    /// How payloads are compressed where that is possible.
    var payloadCompression: PayloadCompression { devices.compression == .zstd ? .zstd : .none }
}

extension Recipe.Devices {
    /// Often enough that a live role is never taken for a silent one.
    var heartbeatInterval: Duration { min(.seconds(1), .seconds(silenceSeconds) / 4) }
}
