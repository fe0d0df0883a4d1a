import Wire

/// A socket that speaks the contract: bodies out, checked envelopes in. Like its socket it stays on one thread.
public final class Channel {
    /// Who sent a message to a ROUTER.
    public struct Peer: Sendable, Hashable, CustomStringConvertible {
        /// Its routing id.
        public let identity: PeerIdentity
        /// Whose key its connection has; nil without CURVE.
        public let enrolled: EnrolledPeer?
        /// Its address, when the transport has any.
        public let address: String?
        /// The sender id of its key, or else the one under which it introduced itself on this connection.
        public let sender: String?

        /// What the peer may do; nil without CURVE, where everybody may do everything.
        public var role: Body.Role? { enrolled?.role }

        /// Its sender id, or else its routing id.
        public var description: String { sender ?? identity.description }
    }

    /// What arrived.
    public enum Received {
        /// A message whose header could be read and whose sender is who its key says; nothing else of it has been checked.
        /// There is a peer exactly on a ROUTER.
        case message(Envelope, payloads: [Frame], peer: Peer?)
        /// Something else.
        case unreadable(WireError, peer: Peer?)
    }

    /// Senders whose way back a ROUTER remembers.
    private static let mostRoutes = 65_536

    /// The run that every message belongs to. While it is empty, what arrives may be of any run.
    public var run: String

    /// The socket underneath, for polling and its byte counts.
    public let socket: Socket

    private let sender: String
    private let limits: WireLimits
    private let context: ZeroMQContext
    private let security: SocketSecurity
    private var monitor: SocketMonitor?
    private var counts = ConnectionCounts()
    private var refused = Refusals()
    private var silent: SilentHandshakes
    private let clock = RoleClock()
    /// Learned from checked messages alone, and never from a routing id, which a peer can choose.
    private var routes: [String: Route] = [:]
    /// Whose way back leads to a routing id: every route once more, the other way round.
    private var senders: [PeerIdentity: String] = [:]

    private struct Route {
        let identity: PeerIdentity
        let key: CurvePublicKey?
    }

    /// - Parameters:
    ///   - run: the run that every message belongs to; empty until it is known.
    ///   - sender: this side's id.
    ///   - highWaterMark: messages that may wait for each peer; more are dropped by `send`. 0 is no limit: right for
    ///     a few small messages of which none may be missing.
    ///   - receiveHighWaterMark: messages that may wait to be received from each peer; nil for as many as to be sent.
    ///   - security: what TCP needs.
    ///   - timing: nil for the usual times of a side that binds, for a ROUTER, or connects.
    /// - Throws: `TransportError`.
    public init(
        _ kind: Socket.Kind, context: ZeroMQContext, run: String, sender: String, limits: WireLimits = WireLimits(),
        highWaterMark: Int32 = 64, receiveHighWaterMark: Int32? = nil, security: SocketSecurity = .none,
        timing: ConnectionTiming? = nil
    ) throws(TransportError) {
        self.run = run
        self.sender = sender
        self.limits = limits
        self.context = context
        self.security = security
        var options = SocketOptions(limits: limits)
        options.highWaterMark = highWaterMark
        options.receiveHighWaterMark = receiveHighWaterMark
        options.security = security
        let timing = timing ?? (kind == .router ? .listener : .link)
        options.timing = timing
        silent = SilentHandshakes(handshakeTimeout: timing.handshakeTimeout)
        socket = try Socket(kind, context: context, options: options)
    }

    /// Waits for peers at an endpoint; port `*` takes a free one.
    ///
    /// - Returns: the endpoint to connect to, with the port that was taken.
    /// - Throws: `TransportError`; `.insecure` for TCP without keys.
    @discardableResult
    public func bind(_ endpoint: String) throws(TransportError) -> String {
        if monitor == nil, !endpoint.isInProcessEndpoint { monitor = try SocketMonitor(of: socket, context: context) }
        return try socket.bind(endpoint)
    }

    /// Reaches out to an endpoint, again and again if need be. `Link` also tells what becomes of it.
    ///
    /// - Throws: `TransportError`; `.insecure` for TCP without keys.
    public func connect(_ endpoint: String) throws(TransportError) { try socket.connect(endpoint) }

    /// Sends a message. A peer that is gone is no error: who is missing is told by silence, not by a failed send.
    ///
    /// - Parameters:
    ///   - session: that of what it answers; 0 for none.
    ///   - peer: the receiver's id, given exactly when this is a ROUTER. It has to have been heard here, and its key still
    ///     to be enrolled.
    /// - Returns: whether ZeroMQ took the message.
    /// - Throws: `TransportError`.
    @discardableResult
    public func send(
        _ body: Body, attempt: UInt32 = 1, session: UInt64 = 0, payload: Frame? = nil, to peer: String? = nil
    ) throws(TransportError) -> Bool {
        let message = frames(body, attempt: attempt, session: session, payload: payload)
        guard let peer else { return try socket.send(message) }
        guard let route = routes[peer] else { return false }
        if let key = route.key, authority?.authenticator.peer(of: key, in: authority?.domain ?? "")?.id != peer {
            forget(peer)
            return false
        }
        let isTaken = try send(message, to: route.identity)
        if isTaken == nil { forget(peer) }
        return isTaken ?? false
    }

    /// Answers whoever sent a message to this ROUTER, also one that could not be read.
    ///
    /// - Returns: whether ZeroMQ took the answer.
    /// - Throws: `TransportError`.
    @discardableResult
    public func answer(_ peer: Peer, _ body: Body, session: UInt64 = 0) throws(TransportError) -> Bool {
        try send(frames(body, attempt: 1, session: session, payload: nil), to: peer.identity) ?? false
    }

    /// The next message, or nil when none is waiting.
    ///
    /// - Throws: `TransportError`.
    public func receive() throws(TransportError) -> Received? {
        try followConnections()
        guard let message = try socket.receive() else { return nil }
        let peer = message.peer.map { known($0, message) }
        do throws(WireError) {
            guard let header = message.frames.first else { throw .missingBody }
            let envelope = try header.withBytes { bytes throws(WireError) in
                try Envelope.decode(bytes, limits: limits)
            }
            if let peer {
                try check(envelope, from: peer, key: message.key)
                try remember(envelope, peer.identity, key: message.key)
            }
            try checkRun(of: envelope)
            return .message(envelope, payloads: Array(message.frames.dropFirst()), peer: peer)
        } catch {
            if let peer { refused.count(Refusals.Reason(error, of: peer), last: peer.enrolled?.id) }
            return .unreadable(error, peer: peer)
        }
    }

    /// What the socket saw of those who connect, up to the last `receive`.
    public var connections: ConnectionCounts { counts }

    /// Counts a message that could be read here, and that its receiver refuses. A refusal that says nothing about the
    /// message, as for want of room, is none.
    ///
    /// - Parameter sender: as in its header.
    public func count(refusal number: UInt32, of sender: String) {
        guard let error = ProtocolError(rawValue: number), error.retry != .later else { return }
        refused.count(.message(error), last: routes[sender]?.key == nil ? nil : sender)
    }

    /// What was refused on this ROUTER so far: messages, handshakes, and connections that never came to one. To be asked
    /// about every second.
    ///
    /// - Throws: `TransportError`.
    public func refusals() throws(TransportError) -> Refusals {
        try followConnections()
        silent.look(counts, now: clock.now)
        var all = refused
        if let authority { all.add(authority.authenticator.refusals(in: authority.domain)) }
        all.count(.malformedHandshake, counts.malformed)
        all.count(.unfinishedHandshake, counts.broken + silent.count)
        return all
    }

    private var authority: (authenticator: Authenticator, domain: String)? {
        if case .server(_, let authenticator, let domain) = security { (authenticator, domain) } else { nil }
    }

    private func followConnections() throws(TransportError) {
        while let event = try monitor?.next() { counts.count(event) }
    }

    private func frames(_ body: Body, attempt: UInt32, session: UInt64, payload: Frame?) -> [Frame] {
        let envelope = Envelope(run: run, sender: sender, attempt: attempt, session: session, body: body)
        return [Frame(envelope.encode())] + (payload.map { [$0] } ?? [])
    }

    /// Nil when the peer is not there.
    private func send(_ frames: [Frame], to identity: PeerIdentity) throws(TransportError) -> Bool? {
        do {
            return try socket.send(frames, to: identity)
        } catch .peerUnreachable {
            return nil
        }
    }

    /// A recipe is asked for, and given, before both sides know the run.
    private func checkRun(of envelope: Envelope) throws(WireError) {
        if case .recipeRequest = envelope.body, envelope.run.isEmpty { return }
        guard run.isEmpty || envelope.run == run else { throw .unknownRun(envelope.run) }
    }

    /// The key decides who speaks, and it has to be enrolled now: a handshake may be long ago.
    private func check(_ envelope: Envelope, from peer: Peer, key: CurvePublicKey?) throws(WireError) {
        guard let authority else {
            // Without keys anybody can introduce himself as anybody, but not speak as another than that.
            guard peer.sender == nil || peer.sender == envelope.sender else { throw .unknownSender(envelope.sender) }
            return
        }
        // Without an authenticator that answers, ZeroMQ would let everybody in; then nobody has a user id.
        guard let key, let enrolled = peer.enrolled,
            authority.authenticator.peer(of: key, in: authority.domain) == enrolled
        else { throw .notEnrolled(envelope.sender) }
        guard enrolled.id == envelope.sender else { throw .unknownSender(envelope.sender) }
        guard envelope.body.isAllowed(to: enrolled.role) else { throw .wrongRole(envelope.sender) }
    }

    /// Introductions set the way back: what an earlier connection left behind must not turn it around.
    private func remember(_ envelope: Envelope, _ identity: PeerIdentity, key: CurvePublicKey?) throws(WireError) {
        guard routes[envelope.sender] == nil || envelope.body.isIntroduction else { return }
        guard routes[envelope.sender] != nil || routes.count < Self.mostRoutes else {
            throw .unknownSender(envelope.sender)
        }
        forget(envelope.sender)
        routes[envelope.sender] = Route(identity: identity, key: key)
        senders[identity] = envelope.sender
    }

    private func forget(_ sender: String) {
        if let route = routes.removeValue(forKey: sender) { senders[route.identity] = nil }
    }

    private func known(_ identity: PeerIdentity, _ message: Socket.Message) -> Peer {
        let enrolled = message.userID.flatMap(EnrolledPeer.init(userID:))
        return Peer(
            identity: identity, enrolled: enrolled, address: message.address, sender: enrolled?.id ?? senders[identity])
    }
}
