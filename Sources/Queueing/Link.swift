import Wire

/// The connecting side of a conversation that outlives its connections: to the coordinator, or to a worker.
///
/// Every completed handshake begins a session, of which the role is told with `.connected` and in which it introduces
/// itself. What arrives from an earlier session is dropped. Messages may be lost with a connection: nothing is kept for
/// the next one, and nothing is sent without one. Like its socket it stays on one thread.
public final class Link {
    /// What happened to the connection.
    public enum Event: Sendable, Equatable {
        /// A handshake is done and a session has begun: introduce yourself.
        case connected
        /// The connection is lost; another one is being tried.
        case disconnected
        /// A handshake failed; it is tried again. Nothing secret is in the reason.
        case refused(reason: String)
        /// A connection is tried again.
        case retrying
    }

    /// The run that every message belongs to; empty until it is known, and then what arrives may be of any run.
    public var run: String {
        didSet { channel?.run = run }
    }

    /// The session of what is sent now; 0 before the first.
    public private(set) var session: UInt64 = 0

    /// Whether messages can be sent now.
    public var isConnected: Bool { machine.isConnected }

    /// Where it is connected to, or tries to; nil before the first `connect`.
    public private(set) var endpoint: String?

    /// Bytes sent and received by all sockets so far, as `Socket` counts them.
    public var bytesSent: Int { earlierBytesSent + (channel?.socket.bytesSent ?? 0) }
    /// Bytes received by all sockets so far.
    public var bytesReceived: Int { earlierBytesReceived + (channel?.socket.bytesReceived ?? 0) }

    private let context: ZeroMQContext
    private let sender: String
    private let limits: WireLimits
    private let timing: ConnectionTiming
    private let highWaterMark: Int32
    private let clock = RoleClock()
    private var security = SocketSecurity.none
    private var machine = LinkMachine()
    private var pending: [Event] = []
    private var channel: Channel?
    private var monitor: SocketMonitor?
    private var earlierBytesSent = 0
    private var earlierBytesReceived = 0

    /// A link that is connected to nothing yet.
    ///
    /// - Parameters:
    ///   - sender: this side's id.
    ///   - highWaterMark: messages that may wait; `send` refuses more. 0 is no limit.
    public init(
        context: ZeroMQContext, run: String, sender: String, limits: WireLimits = WireLimits(),
        timing: ConnectionTiming = .link, highWaterMark: Int32 = 64
    ) {
        self.context = context
        self.run = run
        self.sender = sender
        self.limits = limits
        self.timing = timing
        self.highWaterMark = highWaterMark
    }

    deinit { disconnect() }

    /// Reaches out to an endpoint, which need not be there yet, and leaves the one before, if any.
    ///
    /// - Throws: `TransportError`; `.insecure` for TCP without keys.
    public func connect(_ endpoint: String, security: SocketSecurity) throws(TransportError) {
        self.endpoint = endpoint
        self.security = security
        machine = LinkMachine(attemptTimeout: context.gateway.map { _ in timing.attemptTimeout })
        try makeSocket()
    }

    /// Leaves. What is on its way gets the socket's linger time.
    public func disconnect() {
        monitor = nil
        guard let channel else { return }
        earlierBytesSent += channel.socket.bytesSent
        earlierBytesReceived += channel.socket.bytesReceived
        channel.socket.close()
        self.channel = nil
        session = 0
        machine = LinkMachine()
        pending = []
    }

    /// Begins another session on the same connection, for another introduction.
    public func renewSession() {
        guard isConnected else { return }
        session = .random(in: 1 ... .max)
    }

    /// Sends a message in the present session.
    ///
    /// - Returns: whether it was taken: false without a connection or when too many wait.
    /// - Throws: `TransportError`.
    @discardableResult
    public func send(_ body: Body, attempt: UInt32 = 1, payload: Frame? = nil) throws(TransportError) -> Bool {
        guard isConnected, let channel else { return false }
        return try channel.send(body, attempt: attempt, session: session, payload: payload)
    }

    /// The next message of the present session or of none, or nil when none is waiting.
    ///
    /// - Throws: `TransportError`.
    public func receive() throws(TransportError) -> Channel.Received? {
        while let received = try channel?.receive() {
            if case .message(let envelope, _, _) = received, envelope.session != 0, envelope.session != session {
                continue
            }
            return received
        }
        return nil
    }

    /// What happened to the connection next, or nil for nothing. A loop asks until there is none whenever its poller woke
    /// it: what waits here wakes it again at once, and a dead connection that nobody asks about stays dead.
    ///
    /// - Throws: `TransportError`.
    public func event() throws(TransportError) -> Event? {
        if pending.isEmpty {
            while let observed = try monitor?.next() { pending += machine.observed(observed, now: clock.now) }
            if machine.mustReplaceSocket(now: clock.now) { try makeSocket() }
        }
        guard !pending.isEmpty else { return nil }
        let event = pending.removeFirst()
        if event == .connected { renewSession() }
        return event
    }

    /// How long a loop may wait until it asks for events, whatever its poller says; nil for as long as it likes.
    public var untilDue: Duration? { pending.isEmpty ? machine.due.map { $0 - clock.now } : .zero }

    /// For polling; nil while there is no socket.
    var socket: Socket? { channel?.socket }
    var monitorSocket: Socket? { monitor?.socket }

    private func makeSocket() throws(TransportError) {
        guard let endpoint else { return }
        var machine = self.machine
        disconnect()
        machine.began(now: clock.now)
        self.machine = machine
        let channel = try Channel(
            .dealer, context: context, run: run, sender: sender, limits: limits, highWaterMark: highWaterMark,
            security: security, timing: timing)
        if endpoint.isInProcessEndpoint {
            try channel.connect(endpoint)
            pending = self.machine.observed(.handshakeSucceeded, now: clock.now)
        } else {
            monitor = try SocketMonitor(of: channel.socket, context: context)
            try channel.connect(endpoint)
        }
        self.channel = channel
    }
}

/// Its socket breaks when two threads use it.
@available(*, unavailable)
extension Link: Sendable {}
