import Wire

/// A socket that speaks the contract: bodies out, checked envelopes in. Like its socket it stays on one thread.
public final class Channel {
    /// What arrived.
    public enum Received {
        /// A message whose header could be read; nothing else of it has been checked.
        case message(Envelope, payloads: [Frame], peer: PeerIdentity?)
        /// Something else.
        case unreadable(WireError, peer: PeerIdentity?)
    }

    /// The socket underneath, for polling and its byte counts.
    public let socket: Socket
    private let run: String
    private let sender: String
    private let limits: WireLimits

    /// - Parameters:
    ///   - run: the run that every message belongs to.
    ///   - sender: this side's id, which a DEALER also shows as its routing id.
    ///   - highWaterMark: messages that may wait for each peer; more are dropped by `send`. 0 is no limit: right for
    ///     a few small messages of which none may be missing.
    /// - Throws: `TransportError`.
    public init(
        _ kind: Socket.Kind, context: ZeroMQContext, run: String, sender: String, limits: WireLimits = WireLimits(),
        highWaterMark: Int32 = 64
    ) throws(TransportError) {
        self.run = run
        self.sender = sender
        self.limits = limits
        let identity = kind == .dealer ? PeerIdentity(sender) : nil
        var options = SocketOptions(identity: identity, limits: limits)
        options.highWaterMark = highWaterMark
        socket = try Socket(kind, context: context, options: options)
    }

    /// Sends a message. A peer that is gone is no error: who is missing is told by silence, not by a failed send.
    ///
    /// - Parameter peer: the receiver's id, given exactly when this is a ROUTER.
    /// - Returns: whether ZeroMQ took the message.
    /// - Throws: `TransportError`.
    @discardableResult
    public func send(
        _ body: Body, attempt: UInt32 = 1, payload: Frame? = nil, to peer: String? = nil
    ) throws(TransportError) -> Bool {
        let header = Frame(Envelope(run: run, sender: sender, attempt: attempt, body: body).encode())
        do {
            return try socket.send([header] + (payload.map { [$0] } ?? []), to: peer.map { PeerIdentity($0) })
        } catch .peerUnreachable {
            return false
        }
    }

    /// The next message, or nil when none is waiting.
    ///
    /// - Throws: `TransportError`.
    public func receive() throws(TransportError) -> Received? {
        guard let message = try socket.receive() else { return nil }
        guard let header = message.frames.first else { return .unreadable(.missingBody, peer: message.peer) }
        do throws(WireError) {
            let envelope = try header.withBytes { bytes throws(WireError) in
                try Envelope.decode(bytes, limits: limits)
            }
            guard envelope.run == run else { throw .unknownRun(envelope.run) }
            // A ROUTER knows who is speaking; a header cannot claim to be from somebody else.
            guard message.peer.map({ $0 == PeerIdentity(envelope.sender) }) ?? true else {
                throw .unknownSender(envelope.sender)
            }
            return .message(envelope, payloads: Array(message.frames.dropFirst()), peer: message.peer)
        } catch {
            return .unreadable(error, peer: message.peer)
        }
    }
}
