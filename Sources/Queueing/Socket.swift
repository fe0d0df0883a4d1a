import CZeroMQ
import Diagnostics

/// A ZeroMQ socket, made, used and closed on one thread. It never waits; `Poller` does.
public final class Socket {
    /// The patterns that roles use.
    public enum Kind: String, Sendable {
        /// Many peers, each under its routing id. Sending to one that is not there throws.
        case router = "ROUTER"
        /// One peer, or several in turn.
        case dealer = "DEALER"
        /// Exactly one peer: two threads of a process.
        case pair = "PAIR"

        fileprivate var number: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pair: ZMQ_PAIR
            }
        }
    }

    /// A received message.
    public struct Message: Sendable {
        /// Who sent it: set on a ROUTER, nil otherwise.
        public let peer: PeerIdentity?
        /// Header and payload, at most `SocketOptions.maximumFrames`.
        public let frames: [Frame]
        /// Further frames, which were dropped.
        public let excessFrames: Int
        /// Whose key the connection has, as the authenticator put it: set on a ROUTER with CURVE alone.
        public let userID: String?
        /// The key, as for `userID`.
        public let key: CurvePublicKey?
        /// Where the connection comes from, on a ROUTER whose transport has addresses.
        public let address: String?
    }

    /// The pattern it was made with.
    public let kind: Kind

    /// Where the socket is bound and connected.
    public private(set) var endpoints: [String] = []

    /// Bytes of all frames that ZeroMQ took for sending: headers and payloads, without routing ids and without what
    /// the transport adds to a frame. A message to a peer that leaves before it is sent is counted.
    public private(set) var bytesSent = 0

    /// Bytes of all frames that were received, counted as for `bytesSent`, dropped excess frames among them.
    public private(set) var bytesReceived = 0

    private let context: ZeroMQContext
    private let maximumFrames: Int
    /// Holds the authenticator for as long as handshakes may come.
    private let security: SocketSecurity
    private var handle: UnsafeMutableRawPointer?

    /// A socket without an endpoint.
    ///
    /// - Throws: `TransportError.socketFailed` or `.optionRefused`.
    public init(
        _ kind: Kind, context: ZeroMQContext, options: SocketOptions = SocketOptions()
    ) throws(TransportError) {
        self.kind = kind
        self.context = context
        maximumFrames = options.maximumFrames
        security = options.security
        handle = zmq_socket(context.handle, kind.number)
        guard handle != nil else { throw .socketFailed(kind: kind.rawValue, reason: lastZeroMQReason()) }
        try set(ZMQ_LINGER, "linger", to: options.lingerMilliseconds)
        try set(ZMQ_SNDHWM, "send high-water mark", to: options.highWaterMark)
        try set(ZMQ_RCVHWM, "receive high-water mark", to: options.receiveHighWaterMark ?? options.highWaterMark)
        let frameBytes = options.maximumFrameBytes + (security.isEncrypted ? Self.encryptionBytes : 0)
        try set(ZMQ_MAXMSGSIZE, "frame limit", to: Int64(frameBytes))
        if kind == .router {
            // Routing ids are not handed over: a peer that shows another's id must not get what is meant for that one.
            try set(ZMQ_ROUTER_MANDATORY, "mandatory routing", to: Int32(1))
            try set(ZMQ_BACKLOG, "backlog", to: Int32(1024))
        }
        if let timing = options.timing { try apply(timing) }
        try apply(security)
        if kind == .dealer, let gateway = context.gateway {
            try set(ZMQ_SOCKS_PROXY, "gateway", to: Array("\(gateway)".utf8))
        }
        if let identity = options.identity { try set(ZMQ_ROUTING_ID, "routing id", to: identity.bytes) }
    }

    deinit { close() }

    /// Ends the socket. What is not sent yet gets the linger time; closing again does nothing.
    public func close() {
        guard let handle else { return }
        // A closed socket gives its names within the process back later, when somebody else may want them already.
        for endpoint in endpoints where endpoint.isInProcessEndpoint { zmq_unbind(handle, endpoint) }
        stopMonitor()
        zmq_close(handle)
        self.handle = nil
    }

    /// Waits for peers at an endpoint; port `*` takes a free one.
    ///
    /// - Returns: the endpoint to connect to, with the port that was taken.
    /// - Throws: `TransportError.bindFailed`.
    @discardableResult
    public func bind(_ endpoint: String) throws(TransportError) -> String {
        try security.check(endpoint)
        if !endpoint.isInProcessEndpoint { ZeroMQContext.keepsFreedFrames }
        guard zmq_bind(handle, endpoint) == 0 else {
            throw .bindFailed(endpoint: endpoint, reason: lastZeroMQReason())
        }
        var buffer = [UInt8](repeating: 0, count: 1024)
        var length = buffer.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &length) == 0 else {
            throw .bindFailed(endpoint: endpoint, reason: lastZeroMQReason())
        }
        let bound = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        endpoints.append(bound)
        return bound
    }

    /// Reaches out to an endpoint, again and again if need be: nobody has to be there yet.
    ///
    /// - Throws: `TransportError.connectFailed` when the endpoint makes no sense.
    public func connect(_ endpoint: String) throws(TransportError) {
        try security.check(endpoint)
        guard zmq_connect(handle, endpoint) == 0 else {
            throw .connectFailed(endpoint: endpoint, reason: lastZeroMQReason())
        }
        endpoints.append(endpoint)
    }

    /// Sends a message as a whole or not at all.
    ///
    /// - Parameter peer: the receiver, given exactly when this is a ROUTER.
    /// - Returns: false when too many messages wait already; the frames are then as they were and can be sent later.
    /// - Throws: `TransportError.peerUnreachable` on a ROUTER, or `.sendFailed`.
    public func send(_ frames: [Frame], to peer: PeerIdentity? = nil) throws(TransportError) -> Bool {
        precondition((peer != nil) == (kind == .router), "a ROUTER, and no other socket, sends to a named peer")
        precondition(!frames.isEmpty, "a message has at least one frame")
        let bytes = frames.reduce(0) { $0 + $1.count }
        if let peer, try !sendRoutingID(peer) { return false }
        for (index, frame) in frames.enumerated() {
            let more = index + 1 < frames.count ? ZMQ_SNDMORE : 0
            if !frame.send(on: try openHandle(), flags: ZMQ_DONTWAIT | more) {
                // ZeroMQ makes room for a whole message when it takes the first part.
                if zmq_errno() == EAGAIN, index == 0, peer == nil { return false }
                throw .sendFailed(endpoint: endpointText, reason: lastZeroMQReason())
            }
        }
        bytesSent += bytes
        return true
    }

    /// The next message, or nil when none is waiting.
    ///
    /// - Throws: `TransportError.receiveFailed`.
    public func receive() throws(TransportError) -> Message? {
        var peer: PeerIdentity?
        var userID: String?
        var key: CurvePublicKey?
        var address: String?
        var frames: [Frame] = []
        var excessFrames = 0
        var isFirst = true
        var hasMore = true
        while hasMore {
            let frame = Frame()
            while zmq_msg_recv(frame.message, try openHandle(), ZMQ_DONTWAIT) < 0 {
                if zmq_errno() == EAGAIN, isFirst { return nil }
                guard zmq_errno() == EINTR else {
                    throw .receiveFailed(endpoint: endpointText, reason: lastZeroMQReason())
                }
            }
            hasMore = zmq_msg_more(frame.message) != 0
            if isFirst, kind == .router {
                peer = PeerIdentity(bytes: frame.bytes)
            } else {
                if frames.isEmpty, kind == .router {
                    address = frame.property("Peer-Address")
                    if security.isEncrypted {
                        userID = frame.property("User-Id")
                        key = frame.property(ZAPRequest.keyProperty).flatMap { try? CurvePublicKey(z85: $0) }
                    }
                }
                bytesReceived += frame.count
                if frames.count < maximumFrames { frames.append(frame) } else { excessFrames += 1 }
            }
            isFirst = false
        }
        return Message(
            peer: peer, frames: frames, excessFrames: excessFrames, userID: userID, key: key, address: address)
    }

    /// Tells a `SocketMonitor`, if there is one, nothing any more.
    func stopMonitor() {
        if let handle { zmq_socket_monitor(handle, nil, 0) }
    }

    /// The handle for polling, nil once closed.
    var pollHandle: UnsafeMutableRawPointer? { handle }

    private var endpointText: String { endpoints.isEmpty ? "no endpoint" : endpoints.joined(separator: ", ") }

    func openHandle() throws(TransportError) -> UnsafeMutableRawPointer {
        guard let handle else { throw .socketClosed(endpoint: endpointText) }
        return handle
    }

    private func sendRoutingID(_ peer: PeerIdentity) throws(TransportError) -> Bool {
        let handle = try openHandle()
        while true {
            let status = peer.bytes.withUnsafeBytes {
                zmq_send(handle, $0.baseAddress, $0.count, ZMQ_DONTWAIT | ZMQ_SNDMORE)
            }
            if status >= 0 { return true }
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return false
            case EHOSTUNREACH: throw .peerUnreachable(endpoint: endpointText, peer: peer)
            default: throw .sendFailed(endpoint: endpointText, reason: lastZeroMQReason())
            }
        }
    }
}

/// A ZeroMQ socket breaks when two threads use it.
@available(*, unavailable)
extension Socket: Sendable {}
