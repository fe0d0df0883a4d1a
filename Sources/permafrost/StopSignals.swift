import Dispatch
import Foundation
import Synchronization

/// The first SIGINT or SIGTERM asks for a clean end; the second ends the process at once.
final class StopSignals: Sendable {
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

    /// - Parameter stop: called once with the signal, on a thread of its own.
    init(_ stop: @escaping @Sendable (_ signal: Int32) -> Void) {
        let count = SignalCount()
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if count.next() == 1 { stop(number) } else { _exit(128 + number) }
            }
            source.resume()
            return source
        }
    }

    /// Gives the signals their ordinary meaning back.
    func cancel() {
        for source in sources { source.cancel() }
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }
}

private final class SignalCount: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
