import Queueing
import Wire

/// The run's coordinator: registers devices and worker, hands out the plan, and follows the run to its end.
///
/// No tensor ever passes through it. `run` is the thin loop around `CoordinatorMachine`.
public final class Coordinator: Sendable {
    /// What a run is to the coordinator.
    public struct Configuration: Sendable {
        /// One device of the plan.
        public struct PlannedDevice: Sendable, Equatable {
            /// The device's id.
            public var id: String
            /// Blocks that the device computes.
            public var cut: Int

            /// A device and its cut.
            public init(id: String, cut: Int) {
                self.id = id
                self.cut = cut
            }
        }

        /// The run's id.
        public var run: String
        /// Where the coordinator listens.
        public var endpoint: String
        /// Every device of the run, in the order that decides the sample order.
        public var devices: [PlannedDevice]
        /// The run's seed.
        public var seed: UInt64
        /// Who is silent for longer is lost.
        public var silenceLimit: Duration
        /// The epoch in which training begins or goes on, from 1: devices publish in its order.
        public var epoch: Int

        /// The configuration of one run.
        public init(
            run: String, endpoint: String, devices: [PlannedDevice], seed: UInt64, silenceLimit: Duration,
            epoch: Int = 1
        ) {
            self.run = run
            self.endpoint = endpoint
            self.devices = devices
            self.seed = seed
            self.silenceLimit = silenceLimit
            self.epoch = epoch
        }
    }

    private static let tickMilliseconds = 500

    private let configuration: Configuration
    private let context: ZeroMQContext
    private let stopSignal: WakeSignal

    /// - Throws: `TransportError` when the system has no file descriptor left.
    public init(_ configuration: Configuration, context: ZeroMQContext) throws(TransportError) {
        self.configuration = configuration
        self.context = context
        stopSignal = try WakeSignal()
    }

    /// Ends the run after the step under way. Callable from any thread, once or more.
    public func stop() { stopSignal.signal() }

    /// Follows the run to its end. Blocks the calling thread.
    ///
    /// - Parameters:
    ///   - isListening: called once, when devices and workers can reach the coordinator.
    ///   - observer: called on this thread for everything that happens.
    /// - Throws: `TransportError`, or what the observer throws, once the run has been stopped for it.
    public func run(
        isListening: (_ endpoint: String) -> Void = { _ in }, observer: (CoordinatorEvent) throws -> Void
    ) throws -> CoordinatorOutcome {
        let channel = try Channel(.router, context: context, run: configuration.run, sender: "coordinator")
        isListening(try channel.socket.bind(configuration.endpoint))
        let clock = RoleClock()
        var machine = CoordinatorMachine(configuration)
        var poller = Poller()
        _ = poller.add(channel.socket)
        _ = poller.add(fileDescriptor: stopSignal.fileDescriptor)
        var observerFailure: (any Error)?
        while true {
            try poller.wait(milliseconds: Self.tickMilliseconds)
            var actions: [CoordinatorMachine.Action] = []
            while let received = try channel.receive() {
                // A message of no run, or of another one, is nobody's here: it is dropped, and silence tells.
                guard case .message(let envelope, _, _) = received else { continue }
                actions += machine.received(envelope.body, from: envelope.sender, now: clock.now)
            }
            if stopSignal.drain() { actions += machine.stopRequested(now: clock.now) }
            actions += machine.tick(now: clock.now)
            var next = actions[...]
            while let action = next.popFirst() {
                switch action {
                case .send(let peer, let body): try channel.send(body, to: peer)
                case .notify(let event):
                    guard observerFailure == nil else { break }
                    do {
                        try observer(event)
                    } catch {
                        observerFailure = error
                        next += machine.stopRequested(now: clock.now)
                    }
                case .finish(let outcome):
                    if let observerFailure { throw observerFailure }
                    return outcome
                }
            }
        }
    }
}
