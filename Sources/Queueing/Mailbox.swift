import Synchronization

/// Results that jobs on other threads hand to a socket's loop, and the signal that wakes the loop for them.
public final class Mailbox<Element: Sendable>: Sendable {
    /// Signalled whenever something was posted; a loop polls it beside its sockets.
    public let signal: WakeSignal
    private let elements = Mutex<[Element]>([])

    /// An empty mailbox.
    ///
    /// - Throws: `TransportError` when the system has no file descriptor left.
    public init() throws(TransportError) { signal = try WakeSignal() }

    /// Hands something over, from any thread.
    public func post(_ element: Element) {
        elements.withLock { $0.append(element) }
        signal.signal()
    }

    /// Everything posted since the last call, in order.
    public func drain() -> [Element] {
        signal.drain()
        return elements.withLock { elements in
            defer { elements.removeAll(keepingCapacity: true) }
            return elements
        }
    }
}
