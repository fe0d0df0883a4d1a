import Dispatch
import Foundation
import Synchronization

/// The first SIGINT or SIGTERM asks for a clean end; the second ends the process at once. SIGUSR1, of `permafrost drain`, asks
/// as SIGTERM does and never insists.
final class StopSignals: Sendable {
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

    /// - Parameter stop: called once with the signal, on a thread of its own.
    init(_ stop: @escaping @Sendable (_ signal: Int32) -> Void) {
        let asked = SignalCount(), insisted = SignalCount()
        sources = Self.numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if number != SIGUSR1, insisted.next() > 1 { _exit(128 + number) }
                if asked.next() == 1 { stop(number == SIGUSR1 ? SIGTERM : number) }
            }
            source.resume()
            return source
        }
    }

    /// Gives the signals their ordinary meaning back.
    func cancel() {
        for source in sources { source.cancel() }
        for number in Self.numbers { signal(number, SIG_DFL) }
    }

    private static let numbers = [SIGINT, SIGTERM, SIGUSR1]
}

private final class SignalCount: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
