import Queueing
import Synchronization

/// A wish to end a run early, from any thread, once or more.
public final class ProgramStop: Sendable {
    let signal: WakeSignal
    private let wish = Atomic(false)

    /// Nobody wishes it yet.
    ///
    /// - Throws: `TransportError` when the system has no file descriptor left.
    public init() throws(TransportError) { signal = try WakeSignal() }

    /// Whether the run should end.
    public var isRequested: Bool { wish.load(ordering: .sequentiallyConsistent) }

    /// Ends the run after the event under way.
    public func request() {
        wish.store(true, ordering: .sequentiallyConsistent)
        signal.signal()
    }
}
