/// What a link knows of its connection: events of the socket and the time in, what the role is told out.
///
/// ZeroMQ tries again by itself after most losses, but not when the other side kept it out or spoke nonsense: then its
/// socket is dead for good, and the link has to make another. So it does for an attempt of which nothing is heard: behind a
/// gateway ZeroMQ waits without a limit.
struct LinkMachine {
    private(set) var isConnected = false
    private var backoff: Backoff
    private let attemptTimeout: Duration?
    /// When the attempt under way counts as stuck, if nothing is heard of it by then.
    private var stuck: Duration?

    /// - Parameter attemptTimeout: an attempt of which nothing is heard for longer is given up; nil for none.
    init(attemptTimeout: Duration? = nil, backoff: Backoff = Backoff()) {
        self.attemptTimeout = attemptTimeout
        self.backoff = backoff
    }

    /// When a new socket is to be made; nil when none is.
    var due: Duration? { backoff.due ?? stuck }

    /// A new socket tries to connect.
    mutating func began(now: Duration) { stuck = attemptTimeout.map { now + $0 } }

    mutating func observed(_ event: SocketMonitor.Event, now: Duration) -> [Link.Event] {
        if event == .handshakeSucceeded { stuck = nil } else { began(now: now) }
        switch event {
        case .handshakeSucceeded:
            isConnected = true
            backoff.reset()
            return [.connected]
        case .disconnected:
            backoff.plan(now: now)
            guard isConnected else { return [] }
            isConnected = false
            return [.disconnected]
        case .authenticationFailed(let status):
            backoff.plan(now: now)
            return [.refused(reason: "the key is not enrolled there (status \(status))")]
        case .protocolFailed(let code):
            backoff.plan(now: now)
            return [
                .refused(reason: "keys or protocol do not fit (code 0x\(String(code, radix: 16)))")
            ]
        case .handshakeBroken:
            backoff.plan(now: now)
            return [.refused(reason: "the handshake was not answered: another key, no keys, or no such role there")]
        case .retried:
            // ZeroMQ takes care of it itself.
            backoff.cancel()
            return [.retrying]
        case .accepted: return []
        }
    }

    /// Whether a new socket is to be made now.
    mutating func mustReplaceSocket(now: Duration) -> Bool {
        guard backoff.due == nil else { return backoff.isDue(now: now) }
        return stuck.map { $0 <= now } ?? false
    }
}
