import Foundation
import Queueing
import Synchronization

/// A thread with a loop that others end: the loop polls a signal, and asks whether it is to go on.
final class LoopThread: Sendable {
    /// Wakes the loop.
    let wake: WakeSignal
    private let stopped = Atomic(false)
    private let hasEnded = DispatchSemaphore(value: 0)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - loop: returns when it is stopped.
    ///   - onError: called on it with what the loop throws.
    /// - Throws: `TransportError`.
    init(
        _ name: String, loop: @escaping @Sendable (LoopThread) throws -> Void,
        onError: @escaping @Sendable (any Error) -> Void
    ) throws(TransportError) {
        wake = try WakeSignal()
        let thread = Thread { [self] in
            do { try loop(self) } catch { onError(error) }
            hasEnded.signal()
        }
        thread.name = name
        thread.start()
    }

    /// Whether the loop is to end.
    var isStopped: Bool { stopped.load(ordering: .acquiring) }

    /// Returns when the thread has ended. To be called once.
    func stop() {
        stopped.store(true, ordering: .releasing)
        wake.signal()
        hasEnded.wait()
    }
}
