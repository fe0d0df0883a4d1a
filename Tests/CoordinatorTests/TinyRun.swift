import Coordinator
import Datasets
import Device
import Ledger
import Methods
import Queueing
import Synchronization
import Tensors
import Testing
import Wire
import Worker

/// A run of tiny roles, each on a thread of its own.
final class TinyRun: Sendable {
    let site: Site
    let model: TinyModel
    let roles = RoleThreads()
    /// What the coordinator has told, of all its lives.
    let events = EventLog<CoordinatorEvent>()
    let deviceEvents = EventLog<(id: String, event: DeviceEvent)>()
    let workerEvents = EventLog<(id: String, event: WorkerEvent)>()
    /// Where the coordinator listens.
    let endpoint: String
    /// What `startWorker` trains by default; it outlives the worker.
    let trainer: Trainer

    private let timing: ConnectionTiming
    private let configuration: Coordinator.Configuration
    private let coordinator = Mutex<Coordinator?>(nil)
    private let outcomes = Mutex<CoordinatorOutcome?>(nil)
    private let devices = Mutex<[String: Device]>([:])

    /// - Parameters:
    ///   - model: nil for one of 4 blocks.
    ///   - trainer: of an earlier run, with which this one goes on.
    ///   - configure: changes what the coordinator is told.
    init(
        _ ground: Ground, _ planned: [Coordinator.Configuration.PlannedDevice] = [], model: TinyModel? = nil,
        trainer: Trainer? = nil, timing: ConnectionTiming = Site.timing,
        configure: (inout Coordinator.Configuration) -> Void = { _ in }
    ) throws {
        self.timing = timing
        site = try Site(ground)
        self.model = try model ?? TinyModel()
        self.trainer = try trainer ?? self.model.trainer()
        endpoint = try site.freeEndpoint("coordinator")
        var configuration = Coordinator.Configuration(
            run: "run", endpoint: endpoint, devices: planned, seed: 7, silenceLimit: .seconds(60))
        configure(&configuration)
        self.configuration = configuration
        try site.enroll(planned.map(\.id), as: .device)
        try site.enroll(["worker"], as: .worker)
    }

    var isDistributed: Bool { configuration.losses == .wait }

    /// - Parameter isStopped: whether it is told to stop before it begins.
    func startCoordinator(isStopped: Bool = false) throws {
        roles.start("coordinator", in: try site.context()) { [self] context in
            var configuration = configuration
            configuration.security = try site.listening("coordinator", in: context)
            let made = try Coordinator(configuration, context: context, ledger: site.ledger(.coordinator))
            coordinator.withLock { $0 = made }
            defer { coordinator.withLock { $0 = nil } }
            if isStopped { made.stop() }
            let outcome = try made.run { [self] in events.add($0) }
            outcomes.withLock { $0 = outcome }
        }
    }

    /// How the run has ended, if it has.
    var ended: CoordinatorOutcome? { outcomes.withLock { $0 } }

    /// How the run ended, once all roles have, none of which threw anything.
    func outcome() throws -> CoordinatorOutcome {
        let haveEnded = roles.haveEnded()
        let errors = roles.errors
        let told = events.all.map(\.name).suffix(12)
        #expect(haveEnded && errors.isEmpty, "\(roles.names) still run; thrown: \(errors); told: \(told)")
        return try #require(ended)
    }

    /// What is different about a worker.
    struct WorkerOptions {
        var creditBytes = 4096
        var epochs = 2
        var batch = 8
        var microBatch = 3
        var order = TrainingOrder.deterministic
        var targetLimit = 2
        var heartbeatInterval = Duration.seconds(1)
        var patience: Duration?
        /// Where it listens, and what it says of that.
        var endpoint: String?
        var advertised: String?
        var coordinator: String?
        var store: (any ActivationStore)?
        /// Nil trains `trainer`, without checkpoints.
        var training: WorkerTraining?
        /// Of its own; nil for that of all.
        var pool: ComputePool?
    }

    func startWorker(_ id: String = "worker", _ change: (inout WorkerOptions) -> Void = { _ in }) throws {
        var options = WorkerOptions()
        change(&options)
        let chosen = options
        let isDistributed = isDistributed
        roles.start(id, in: try site.context()) { [self] context in
            let place = site.ground.transport == .inproc ? "inproc://\(id)" : "tcp://127.0.0.1:*"
            var configuration = Worker.Configuration(
                run: "run", id: id, coordinatorEndpoint: chosen.coordinator ?? endpoint,
                deviceEndpoint: chosen.endpoint ?? place, epochs: chosen.epochs, batch: chosen.batch,
                microBatch: chosen.microBatch,
                frozenBlocks: TinyModel.frozenBlocks,
                targetLimit: chosen.targetLimit, maximumTokens: 16, creditBytesPerDevice: chosen.creditBytes,
                heartbeatInterval: chosen.heartbeatInterval)
            configuration.order = chosen.order
            configuration.advertisedEndpoint = chosen.advertised
            configuration.coordinatorSecurity = try site.reaching("coordinator", as: id)
            configuration.deviceSecurity = try site.listening(id, in: context)
            configuration.timing = timing
            configuration.patience = chosen.patience
            configuration.staysUntilStopped = isDistributed
            configuration.endsWhenFull = !isDistributed
            configuration.handoverFolder = site.folder(of: id).appendingPathComponent("handover")
            let worker = try Worker(
                configuration, context: context, forward: model.forward,
                store: chosen.store ?? site.store(of: id), pool: chosen.pool ?? model.pool,
                training: chosen.training ?? WorkerTraining(begin: { [trainer] _ in (trainer, []) }))
            try worker.run { [self] in workerEvents.add((id, $0)) }
        }
    }

    func startDevice(
        _ id: String, examples: [EncodedExample], publishBatch: Int = 3, coordinator: String? = nil,
        configure: @escaping @Sendable (inout DeviceConfiguration) -> Void = { _ in }
    ) throws {
        let isDistributed = isDistributed
        roles.start(id, in: try site.context()) { [self] context in
            var configuration = Device.Configuration(
                run: "run", id: id, coordinatorEndpoint: coordinator ?? endpoint, publishBatch: publishBatch,
                codec: .f32)
            configuration.security = try site.reaching("coordinator", as: id)
            configuration.timing = timing
            configuration.staysUntilStopped = isDistributed
            configure(&configuration)
            let device = Device(
                configuration, context: context, examples: examples, forward: model.forward, pool: model.pool)
            devices.withLock { $0[id] = device }
            defer { devices.withLock { $0[id] = nil } }
            try device.run { [self] in deviceEvents.add((id, $0)) }
        }
    }

    /// Ends the run after the step under way.
    func stop() { coordinator.withLock { $0 }?.stop() }

    /// Lets a device say goodbye and leave.
    func stopDevice(_ id: String) -> Bool {
        devices.withLock { $0[id] }?.stop()
        return roles.hasEnded(id)
    }
}

/// The shards that the whole-run tests share, and what is trained on them by an undisturbed run.
enum TinyShards {
    static let planned = [
        Coordinator.Configuration.PlannedDevice(id: "strong", cut: 2), .init(id: "weak", cut: 0),
    ]
    static let shards = [
        "strong": TinyModel.shard("strong", count: 17), "weak": TinyModel.shard("weak", count: 12),
    ]
    static let samples = 29
    static let batch = 4
    static let epochs = 2
    /// Eight steps in each epoch.
    static let steps = 16

    /// The adapters of the simplest run.
    static let adapters = Result {
        let run = try TinyRun(.simplest, planned)
        try run.startCoordinator()
        try run.startWorker { $0.batch = batch }
        for (id, shard) in shards { try run.startDevice(id, examples: shard) }
        guard case .completed(let totals) = try run.outcome() else { return [Float]() }
        #expect(totals.steps == UInt64(steps))
        return run.trainer.parameters.flat.values
    }

    /// Whether each epoch's steps are there in order, and have every sample once.
    static func expectEverySampleOnce(in ledger: Ledger) throws {
        let recorded = try ledger.steps(of: "run")
        #expect(recorded.map(\.step) == Array(1...steps))
        #expect(try ledger.verifyChain("run") == steps)
        let all = planned.enumerated().flatMap { number, device in
            (0..<(shards[device.id]?.count ?? 0)).map { UInt64(number) << 32 | UInt64($0) }
        }
        for epoch in 1...epochs {
            #expect(recorded.filter { $0.epoch == epoch }.flatMap(\.sampleIDs).sorted() == all)
        }
    }
}

extension CoordinatorEvent {
    /// The step that it tells of.
    var step: Body.StepReport? { if case .step(let report) = self { report } else { nil } }

    /// For a failure's text.
    var name: String { "\(self)".prefix { $0 != "(" } + (step.map { " \($0.step)" } ?? "") }
}
