import Dispatch
import Glibc
import Synchronization

/// What happened, for a test that waits for it.
final class EventLog<Event: Sendable>: Sendable {
    private let events = Mutex<[Event]>([])
    private let happened = DispatchSemaphore(value: 0)

    func add(_ event: Event) {
        events.withLock { $0.append(event) }
        happened.signal()
    }

    var all: [Event] { events.withLock { $0 } }

    /// Whether something happens, or has, within half a minute. One test waits at a time.
    func waits(from start: Int = 0, for isIt: (Event) -> Bool) -> Bool {
        while !all.dropFirst(start).contains(where: isIt) {
            guard happened.wait(timeout: .now() + 30) == .success else { return false }
        }
        return true
    }
}

/// What is left to a test where nobody tells it that something has happened.
enum Nap {
    static func short() { usleep(2000) }
    static func long() { usleep(50_000) }
}
