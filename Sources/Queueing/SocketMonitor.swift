import CZeroMQ
import Synchronization

/// What happens to the connections of a socket. It stays on the socket's thread and is closed before it.
///
/// A socket within the process has no connections, so that nothing is ever told of it.
final class SocketMonitor {
    enum Event: Equatable {
        case accepted
        case handshakeSucceeded
        /// The other side keeps this one out, with a status of ZAP.
        case authenticationFailed(status: Int)
        /// What came was not the protocol, or not with the keys that are expected.
        case protocolFailed(code: Int)
        /// The connection ended during the handshake, or the handshake took too long.
        case handshakeBroken
        case disconnected
        case retried
    }

    private static let number = Atomic<UInt64>(0)
    private static let events =
        ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED
        | ZMQ_EVENT_CONNECT_RETRIED

    let socket: Socket

    /// - Throws: `TransportError`.
    init(of watched: Socket, context: ZeroMQContext) throws(TransportError) {
        let number = Self.number.wrappingAdd(1, ordering: .relaxed).newValue
        let endpoint = "inproc://monitor-\(number)"
        guard zmq_socket_monitor(watched.pollHandle, endpoint, Self.events) == 0 else {
            throw .monitorFailed(reason: lastZeroMQReason())
        }
        // Without a limit: at a full queue ZeroMQ's own thread would wait, and every connection with it.
        var options = SocketOptions()
        options.highWaterMark = 0
        options.lingerMilliseconds = 0
        socket = try Socket(.pair, context: context, options: options)
        try socket.connect(endpoint)
    }

    /// The next event, or nil when none is waiting.
    ///
    /// - Throws: `TransportError`.
    func next() throws(TransportError) -> Event? {
        while let message = try socket.receive() {
            if let event = message.frames.first.flatMap({ Self.event($0.bytes) }) { return event }
        }
        return nil
    }

    /// The event's number in two bytes and its value in four, both in the machine's order.
    private static func event(_ bytes: [UInt8]) -> Event? {
        guard bytes.count == 6 else { return nil }
        let (number, value) = bytes.withUnsafeBytes {
            (Int32($0.loadUnaligned(as: UInt16.self)), $0.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        }
        return switch number {
        case ZMQ_EVENT_ACCEPTED: .accepted
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: .handshakeSucceeded
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: .authenticationFailed(status: Int(value))
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: .protocolFailed(code: Int(value))
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: .handshakeBroken
        case ZMQ_EVENT_DISCONNECTED: .disconnected
        case ZMQ_EVENT_CONNECT_RETRIED: .retried
        default: nil
        }
    }
}

/// What a listening socket saw of those who connect.
public struct ConnectionCounts: Sendable, Equatable {
    /// Connections that were accepted by the system.
    public internal(set) var accepted = 0
    /// Handshakes that were completed.
    public internal(set) var completed = 0
    /// Handshakes that the authenticator refused.
    public internal(set) var unauthenticated = 0
    /// Connections on which something else than the protocol was spoken, or not with this side's key.
    public internal(set) var malformed = 0
    /// Handshakes that were given up or took too long.
    public internal(set) var broken = 0

    mutating func count(_ event: SocketMonitor.Event) {
        switch event {
        case .accepted: accepted += 1
        case .handshakeSucceeded: completed += 1
        case .authenticationFailed: unauthenticated += 1
        case .protocolFailed: malformed += 1
        case .handshakeBroken: broken += 1
        case .disconnected, .retried: break
        }
    }
}
