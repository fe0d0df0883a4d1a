import Diagnostics
import Ledger
import Queueing
import Synchronization
import Wire

/// The run's coordinator: registers devices and workers, hands out the plan, and follows the run to its end.
///
/// No tensor ever passes through it. `run` is the thin loop around `CoordinatorMachine`. With a ledger, everything that it
/// decides is durable before it is told, and a coordinator that is started again goes on.
public final class Coordinator: Sendable {
    private let configuration: Configuration
    private let context: ZeroMQContext
    private let ledger: Ledger?
    private let stopSignal: WakeSignal
    private let isLeaving = Atomic(false)

    /// - Parameter ledger: what the coordinator remembers; nil when the run ends with the process.
    /// - Throws: `TransportError` when the system has no file descriptor left.
    public init(
        _ configuration: Configuration, context: ZeroMQContext, ledger: Ledger? = nil
    ) throws(TransportError) {
        self.configuration = configuration
        self.context = context
        self.ledger = ledger
        stopSignal = try WakeSignal()
    }

    /// Ends the run after the step under way. Callable from any thread, once or more.
    public func stop() { stopSignal.signal() }

    /// Ends the coordination and not the run: with a ledger, a coordinator that is started again goes on, and nobody is
    /// told to leave. `run` returns `.left`. Callable from any thread, once or more.
    public func leave() {
        isLeaving.store(true, ordering: .sequentiallyConsistent)
        stopSignal.signal()
    }

    /// Follows the run to its end. Blocks the calling thread.
    ///
    /// - Parameters:
    ///   - isListening: called once, when devices and workers can reach the coordinator.
    ///   - observer: called on this thread for everything that happens.
    /// - Throws: `TransportError`, `LedgerError`, `CoordinatorError.otherRun`, or what the observer throws, once the run
    ///   has been stopped for it.
    public func run(
        isListening: (_ endpoint: String) -> Void = { _ in }, observer: (CoordinatorEvent) throws -> Void
    ) throws -> CoordinatorOutcome {
        var loop = try CoordinatorLoop(configuration, context: context, ledger: ledger, stopSignal: stopSignal)
        return try loop.run(
            isLeaving: { isLeaving.load(ordering: .sequentiallyConsistent) }, isListening: isListening,
            observer: observer)
    }
}
