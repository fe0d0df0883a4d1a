import Checkpoints
import Datasets
import Device
import Diagnostics
import Exchange
import Experiments
import Foundation
import Methods
import Queueing
import Recipes
import Synchronization
import Tensors
import Wire

/// A device of a distributed run as a process: recipe from the coordinator, private data, the first blocks of the model.
public final class DeviceRun: Sendable {
    /// Who the device is and what it has.
    public struct Options: Sendable {
        /// The device's id, one of the run's.
        public var id: String
        /// Where the coordinator listens.
        public var coordinator: String
        /// The device's own data, all of it for training, in the recipe's format; nil takes the device's share of the
        /// recipe's data, as the embedded mode does.
        public var data: String?
        /// How it proves who it is.
        public var security: RoleSecurity
        /// How long it waits for a word of the coordinator when it can do nothing else; nil is for ever.
        public var patience: Duration?
        /// Where the worker is reached from here; nil for where it says.
        public var workerEndpoint: String?
        /// The gateway through which coordinator and workers are reached; nil for none.
        public var gateway: HostAndPort?
        /// How fast the device computes.
        public var pace: Pace
        /// Where the device is traced.
        public var trace: Trace?

        /// A device's options.
        public init(
            id: String, coordinator: String, data: String? = nil, security: RoleSecurity, patience: Duration?,
            workerEndpoint: String? = nil, gateway: HostAndPort? = nil, pace: Pace = .machine, trace: Trace? = nil
        ) {
            self.trace = trace
            self.id = id
            self.coordinator = coordinator
            self.data = data
            self.security = security
            self.patience = patience
            self.workerEndpoint = workerEndpoint
            self.gateway = gateway
            self.pace = pace
        }
    }

    /// How fast a device computes; what is not this machine's own speed is *simulated*.
    public enum Pace: Sendable, Equatable {
        /// As fast as this machine.
        case machine
        /// So many times slower.
        case slower(Double)
        /// At a rate, by the operations that a pass has by shape.
        case rate(flopsPerSecond: Double)
    }

    /// What a device tells while it works.
    public enum News: Sendable {
        /// Nobody answers at the coordinator's endpoint yet.
        case waiting(endpoint: String, reason: String?)
        /// The coordinator has told it the run.
        case invited(run: String)
        /// The run has ended before this role could take part.
        case over(reason: String)
        /// Of prepared blocks.
        case prepared(PreparedNews)
        /// Data and tokenizer are there, and the model as far as its cut is not asked for.
        case ready(run: String, samples: Int, seconds: Double)
        /// Of the device's part in the run.
        case device(DeviceEvent)
    }

    private let options: Options
    private let cache: CacheFolder
    private let stopSignal: WakeSignal
    private let device = Mutex<Device?>(nil)
    /// Ends a method's program.
    private let programStop: ProgramStop
    private let isStopping = Atomic(false)

    /// A device that has not begun.
    ///
    /// - Throws: `TransportError`.
    public init(_ options: Options, cache: CacheFolder = CacheFolder()) throws {
        self.options = options
        self.cache = cache
        stopSignal = try WakeSignal()
        programStop = try ProgramStop()
    }

    /// Lets the device say goodbye and leave. Callable from any thread.
    public func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        stopSignal.signal()
        programStop.request()
        device.withLock { $0 }?.stop()
    }

    /// Publishes until the run ends or somebody says stop. Blocks the calling thread.
    ///
    /// - Parameter pulse: beaten by the loop.
    /// - Throws: a `NumberedError` for whatever a user can mend.
    public func run(pulse: LoopPulse? = nil, observer: @escaping @Sendable (News) -> Void) throws {
        let clock = RoleClock()
        // It ends with this call, after what was said last is sent.
        let context = try ZeroMQContext(gateway: options.gateway)
        defer { device.withLock { $0 = nil } }
        let security = try options.security.client()
        let invitation = try Invitation.ask(
            as: .device, id: options.id, endpoint: options.coordinator, security: security, context: context,
            patience: options.patience, stop: stopSignal, isOver: { observer(.over(reason: $0)) }
        ) { observer(.waiting(endpoint: options.coordinator, reason: $0)) }
        guard let invitation else { return }
        observer(.invited(run: invitation.run))
        let recipe = invitation.recipe
        let pool = ComputePool(threads: recipe.threadCount)
        // Which of the frozen blocks it will need, a device that only publishes learns with its cut.
        let prepared = try PreparedModel(
            recipe, loadedBlocks: recipe.deviceBlocks,
            loading: recipe.training.method.trainsOnDevices ? .atOnce(pool) : .whenAsked, cache: cache
        ) { observer(.prepared($0)) }
        let examples = try examples(invitation, prepared)
        observer(.ready(run: invitation.run, samples: examples.count, seconds: clock.now.seconds))

        if recipe.training.method.trainsOnDevices {
            let device = MethodDevice(
                options: options, invitation: invitation, prepared: prepared, cache: cache, stop: programStop)
            return try device.run(examples, security: security, pool: pool, context: context) { observer(.device($0)) }
        }
        var configuration = Device.Configuration(
            run: invitation.run, id: options.id, coordinatorEndpoint: options.coordinator,
            publishBatch: recipe.devices.publishBatch, codec: recipe.payloadCodec)
        configuration.compression = recipe.payloadCompression
        configuration.security = security
        configuration.staysUntilStopped = true
        configuration.pulse = pulse
        configuration.patience = options.patience
        configuration.pace = options.pace.devicePace(prepared.model.hyperparameters)
        configuration.workerEndpoint = options.workerEndpoint
        configuration.peakMemoryBytes = { ProcessMemory.peakResidentBytes }
        configuration.tracer = options.trace?.role(options.id)
        let device = Device(
            configuration, context: context, examples: examples, forward: FrozenForward(model: prepared.model),
            pool: pool)
        self.device.withLock { $0 = device }
        if isStopping.load(ordering: .sequentiallyConsistent) { device.stop() }
        try device.run { observer(.device($0)) }
    }

    private func examples(_ invitation: Invitation, _ prepared: PreparedModel) throws -> [EncodedExample] {
        let recipe = invitation.recipe
        guard let own = options.data else {
            return try PreparedData.shard(
                invitation.number, of: recipe, tokenizer: prepared.tokenizer, chat: prepared.chat, cache: cache)
        }
        return try PreparedData.all(of: own, recipe: recipe, tokenizer: prepared.tokenizer, chat: prepared.chat)
    }
}

extension DeviceRun.Pace {
    /// The pace with the model's operations.
    fileprivate func devicePace(_ model: Hyperparameters) -> DevicePace {
        switch self {
        case .machine: .machine
        case .slower(let times): .slower(times)
        case .rate(let rate):
            .rate(flopsPerSecond: rate) { lengths, blocks in
                Double(blocks)
                    * lengths.reduce(0) {
                        $0 + PassCosts(model: model, tokens: $1, rank: 0, targets: []).frozenForward
                    }
            }
        }
    }
}
