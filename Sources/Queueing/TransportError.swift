import CZeroMQ
import Diagnostics

/// A socket operation that ZeroMQ or the system refused.
public enum TransportError: NumberedError, Equatable {
    case contextFailed(reason: String)
    case socketFailed(kind: String, reason: String)
    case optionRefused(option: String, reason: String)
    case bindFailed(endpoint: String, reason: String)
    case connectFailed(endpoint: String, reason: String)
    case sendFailed(endpoint: String, reason: String)
    case receiveFailed(endpoint: String, reason: String)
    case peerUnreachable(endpoint: String, peer: PeerIdentity)
    case socketClosed(endpoint: String)
    case pollFailed(reason: String)
    case wakeSignalFailed(reason: String)
    case insecure(endpoint: String)
    case monitorFailed(reason: String)

    /// Every transport failure ends a role with the same code.
    public var exitCode: ExitCode { .transportFailed }

    /// What failed, on which endpoint, in the words of the library.
    public var problem: String {
        switch self {
        case .contextFailed(let reason): "ZeroMQ did not start: \(reason)"
        case .socketFailed(let kind, let reason): "No \(kind) socket could be made: \(reason)"
        case .optionRefused(let option, let reason): "The socket option \(option) was refused: \(reason)"
        case .bindFailed(let endpoint, let reason): "Binding to \(endpoint) failed: \(reason)"
        case .connectFailed(let endpoint, let reason): "Connecting to \(endpoint) failed: \(reason)"
        case .sendFailed(let endpoint, let reason): "Sending on \(endpoint) failed: \(reason)"
        case .receiveFailed(let endpoint, let reason): "Receiving on \(endpoint) failed: \(reason)"
        case .peerUnreachable(let endpoint, let peer): "\(peer) is not connected to \(endpoint)"
        case .socketClosed(let endpoint): "The socket on \(endpoint) was used after it was closed"
        case .pollFailed(let reason): "Waiting for messages failed: \(reason)"
        case .wakeSignalFailed(let reason): "No wake signal could be made: \(reason)"
        case .insecure(let endpoint): "\(endpoint) would be used without keys: everybody could read and join it"
        case .monitorFailed(let reason): "A socket's connections cannot be followed: \(reason)"
        }
    }

    /// What to look at.
    public var remedy: String {
        switch self {
        case .insecure:
            "Give keys (permafrost keys generate), or say --insecure in a network that you trust"
        case .contextFailed, .socketFailed, .wakeSignalFailed, .monitorFailed:
            "Raise the limit of open files (ulimit -n) or run fewer roles in one process"
        case .optionRefused:
            "Use libzmq 4.3 or newer, and ids of 1 to 255 bytes that do not start with a zero byte"
        case .bindFailed:
            "Check that the endpoint is free and that its address belongs to this machine"
        case .connectFailed:
            "Check the endpoint: tcp://HOST:PORT, ipc://PATH or inproc://NAME"
        case .sendFailed, .receiveFailed, .socketClosed, .pollFailed:
            "Check that the socket is still open and used on its own thread only"
        case .peerUnreachable:
            "Wait until the peer has connected, or treat it as lost"
        }
    }
}

/// The last failure of a ZeroMQ call on this thread, in words.
func lastZeroMQReason() -> String { String(cString: zmq_strerror(zmq_errno())) }
