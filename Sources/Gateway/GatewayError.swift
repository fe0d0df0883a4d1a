import Diagnostics
import Glibc
import NIOCore
import NIOPosix

/// Why a gateway cannot begin.
public enum GatewayError: NumberedError, Equatable {
    /// The operating system does not let the process listen there.
    case cannotListen(address: String, reason: String)

    /// The number under which the error is documented.
    public var exitCode: ExitCode { .transportFailed }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        }
    }

    /// What to do next.
    public var remedy: String {
        "Name another port or address of this machine with --listen, or end what listens there"
    }
}

/// Why nobody could be reached, or nowhere listened, in the system's words.
func reason(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
        error.connectionErrors.first.map { reason($0.error) } ?? "the name is not known here"
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout: String(cString: strerror(ETIMEDOUT))
    default: "\(error)"
    }
}
