import Wire

/// A role's line to its coordinator: reports out, orders in, and heartbeats in both directions.
///
/// Like its socket it stays on one thread.
public final class ControlLink {
    /// What a role has to know of the line.
    public enum Event: Sendable, Equatable {
        /// A session has begun, because a connection was made or the coordinator does not know this role, or was not heard
        /// for too long: register.
        case register
        /// The connection is lost; another one is being tried.
        case disconnected
        /// A handshake failed, or the coordinator speaks another version of the protocol; it is tried again.
        case refused(reason: String)
        /// A connection is tried again.
        case retrying
    }

    /// The connection underneath, for polling.
    public let link: Link

    /// Between a heartbeat and its answer, the newest; nil before the first.
    public private(set) var roundTrip: Duration?

    /// When the coordinator was last heard, as time since this line was made; nil before the first time.
    public private(set) var lastHeard: Duration?

    private let heartbeatInterval: Duration
    private let farewell: Duration
    private let clock = RoleClock()
    private var lastHeartbeat = Duration.zero
    private var silence: SilenceWatch
    private var patience: Patience
    private var mustRegister = false
    /// Why the coordinator cannot be understood, until the role has been told.
    private var refusal: String?

    /// A line to the coordinator at an endpoint, which need not be there yet.
    ///
    /// - Parameters:
    ///   - run: empty until it is known; then set `link.run`.
    ///   - silenceLimit: when nothing was heard for longer on a connection, the role registers again, and goes on to do
    ///     so after waits of 1 to 30 seconds.
    ///   - patience: how long the role waits for a word of the coordinator; nil is for ever.
    ///   - farewell: how long a role that cannot go on waits for a coordinator that is away, to tell it why.
    /// - Throws: `TransportError`.
    public init(
        context: ZeroMQContext, run: String, sender: String, endpoint: String, security: SocketSecurity = .none,
        timing: ConnectionTiming = .link, heartbeatInterval: Duration, silenceLimit: Duration = .seconds(10),
        patience: Duration? = nil, farewell: Duration = .seconds(10)
    ) throws(TransportError) {
        // Without a high-water mark: a coordinator that reads late must not lose a report.
        link = Link(context: context, run: run, sender: sender, timing: timing, highWaterMark: 0)
        self.heartbeatInterval = heartbeatInterval
        self.farewell = farewell
        silence = SilenceWatch(limit: silenceLimit)
        self.patience = Patience(limit: patience)
        try link.connect(endpoint, security: security)
    }

    /// Reports something. Without a connection it is lost, as it might be with one: what must arrive is told until it is
    /// answered.
    ///
    /// - Returns: whether it was sent.
    /// - Throws: `TransportError`.
    @discardableResult
    public func tell(_ body: Body) throws(TransportError) -> Bool { try link.send(body) }

    /// The next order, or nil when none is waiting. What cannot be read is not from this run's coordinator.
    ///
    /// - Throws: `TransportError`.
    public func order() throws(TransportError) -> Body? {
        while let received = try link.receive() {
            if case .unreadable(.unsupportedVersion(let version), _) = received {
                refusal = WireError.unsupportedVersion(version).problem
            }
            guard case .message(let envelope, _, _) = received else { continue }
            lastHeard = clock.now
            silence.heard(now: clock.now)
            patience.heard(now: clock.now)
            switch envelope.body {
            case .heartbeat(let time): try link.send(.heartbeatReply(time: time))
            case .heartbeatReply(let time):
                // The other side chooses what it answers, so it may be any number.
                let now = clock.now.nanoseconds
                if time <= now { roundTrip = .nanoseconds(Int64(clamping: now - time)) }
            case .registerAgain: mustRegister = true
            default: return envelope.body
            }
        }
        return nil
    }

    /// What happened to the line next, or nil for nothing. A loop asks until there is none whenever its poller woke it.
    ///
    /// - Throws: `TransportError`.
    public func event() throws(TransportError) -> Event? {
        if let event = try link.event() {
            switch event {
            case .connected:
                mustRegister = false
                silence.heard(now: clock.now)
                return .register
            case .disconnected:
                silence.disconnected()
                return .disconnected
            case .refused(let reason): return .refused(reason: reason)
            case .retrying: return .retrying
            }
        }
        if let reason = refusal.take() { return .refused(reason: reason) }
        guard link.isConnected, mustRegister || silence.isDue(now: clock.now) else { return nil }
        mustRegister = false
        link.renewSession()
        return .register
    }

    /// How long a loop may wait before a heartbeat is due or an event may have come without a sign.
    public var untilHeartbeat: Duration {
        let due = [lastHeartbeat + heartbeatInterval, silence.due].compactMap { $0 }.min() ?? .zero
        return min(due - clock.now, link.untilDue ?? .seconds(60))
    }

    /// Sends a heartbeat when one is due: also beside reports, for its answer tells that the coordinator is there.
    ///
    /// - Throws: `TransportError`.
    public func keepAlive() throws(TransportError) {
        let now = clock.now
        if now - lastHeartbeat >= heartbeatInterval {
            lastHeartbeat = now
            try tell(.heartbeat(time: now.nanoseconds))
        }
    }

    /// Looks whether the role has waited long enough. A loop asks in every turn, of which there is one for each heartbeat.
    ///
    /// - Parameter isBusy: whether the role gets on without the coordinator.
    /// - Returns: why it should leave; nil when it should not.
    public func abandonment(isBusy: Bool) -> PatienceError? {
        patience.end(isBusy: isBusy, now: clock.now).map {
            .coordinatorSilent(endpoint: link.endpoint ?? "", seconds: $0.seconds)
        }
    }

    /// Does a role's work. What it throws is told to the coordinator first, and one that is away just then, as when it
    /// died with what the role cannot go on without, is waited for as long as `farewell`.
    public func reportingFailure<Result>(of work: () throws -> Result) throws -> Result {
        do {
            return try work()
        } catch {
            let isAnswered = lastHeard != nil && !(error is PatienceError)
            try? tell(Body.Failure(error), within: isAnswered ? farewell : .zero)
            throw error
        }
    }

    /// Tells of a failure on every connection until something is heard on one after it, but no longer than a limit.
    private func tell(_ failure: Body.Failure, within limit: Duration) throws(TransportError) {
        let end = clock.now + limit
        var poller = Poller()
        _ = poller.add(link)
        var told: Duration?
        while true {
            while try order() != nil {}
            if let told, let lastHeard, lastHeard > told { return }
            while try event() != nil { told = nil }
            if told == nil, try tell(.failure(failure)) { told = clock.now }
            let left = end - clock.now
            guard left > .zero else { return }
            try poller.wait(milliseconds: min(left, link.untilDue ?? left).pollMilliseconds)
        }
    }
}

extension Duration {
    /// Whole milliseconds to wait for, rounded up and never negative.
    public var pollMilliseconds: Int { max(0, Int((seconds * 1000).rounded(.up))) }
}
