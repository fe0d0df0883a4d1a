import Datasets
import Diagnostics
import Methods
import Queueing
import Synchronization
import Tensors

/// One device of a run: private examples, the first blocks of the model, and two sockets.
///
/// `run` is the thin loop around `DeviceMachine`: it receives, asks the machine what to do, and does it.
public final class Device: Sendable {
    private let configuration: Configuration
    private let context: ZeroMQContext
    private let examples: [EncodedExample]
    private let forward: FrozenForward
    private let pool: ComputePool
    private let stopping = StopRequest()

    /// - Parameters:
    ///   - examples: the device's shard. Of its texts only activations and targets leave the device: classes,
    ///     or the answers' tokens.
    ///   - pool: computes one group at a time.
    public init(
        _ configuration: Configuration, context: ZeroMQContext, examples: [EncodedExample], forward: FrozenForward,
        pool: ComputePool
    ) {
        self.configuration = configuration
        self.context = context
        self.examples = examples
        self.forward = forward
        self.pool = pool
    }

    /// Takes part in the run until everything is settled or somebody says stop. Blocks the calling thread.
    ///
    /// - Parameter observer: called on this thread for everything that happens.
    /// - Throws: `PublishError`, `DeviceError`, `PatienceError` or `TransportError`; the coordinator was told if it could be.
    public func run(observer: (DeviceEvent) -> Void = { _ in }) throws {
        let coordinator = try ControlLink(
            context: context, run: configuration.run, sender: configuration.id,
            endpoint: configuration.coordinatorEndpoint, security: configuration.security,
            timing: configuration.timing, heartbeatInterval: configuration.heartbeatInterval,
            patience: configuration.patience)
        let stopSignal = try stopping.attach()
        try coordinator.reportingFailure {
            try DeviceLoop(
                configuration, context: context, examples: examples, forward: forward, pool: pool,
                coordinator: coordinator, stopSignal: stopSignal
            ).run(observer: observer)
        }
    }

    /// Makes `run` say goodbye and return. What is not acknowledged by then is computed again next time. Callable from
    /// any thread, once or more, also before `run`.
    public func stop() { stopping.request() }
}

/// A wish to stop, which may come before there is anybody to hear it.
private final class StopRequest: Sendable {
    private struct State {
        var isRequested = false
        var signal: WakeSignal?
    }

    private let state = Mutex(State())

    func request() {
        state.withLock { state in
            state.isRequested = true
            state.signal?.signal()
        }
    }

    /// The signal that tells of it, also of an earlier one.
    func attach() throws(TransportError) -> WakeSignal {
        let signal = try WakeSignal()
        state.withLock { state in
            state.signal = signal
            if state.isRequested { signal.signal() }
        }
        return signal
    }
}
