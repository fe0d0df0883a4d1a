import Diagnostics

/// Why nothing can be seen over HTTP.
public enum MonitoringError: NumberedError, Equatable {
    /// A text that is no host with a port.
    case noAddress(String)
    /// The operating system does not let the process listen there.
    case cannotListen(address: String, reason: String)
    /// The token's file cannot be read.
    case tokenUnreadable(file: String, reason: String)
    /// A token that could be guessed, or is none.
    case weakToken(file: String)
    /// Others than the owner may read the token.
    case openToken(file: String)

    /// The number under which the error is documented.
    public var exitCode: ExitCode {
        switch self {
        case .noAddress, .cannotListen: .httpUnavailable
        case .tokenUnreadable, .weakToken, .openToken: .httpTokenRefused
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .noAddress(let text): "--http \(text) is no host and port"
        case .cannotListen(let address, let reason): "cannot listen on --http \(address): \(reason)"
        case .tokenUnreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .weakToken(let file):
            "\(file) has no token of \(TokenFile.leastBytes) to \(TokenFile.mostBytes) printable characters on one line"
        case .openToken(let file): "\(file) may be read by others than its owner"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .noAddress: "Write it like 127.0.0.1:9090 or [::1]:9090"
        case .cannotListen: "Name another port or address of this machine, or end the process that listens there"
        case .tokenUnreadable, .weakToken:
            "Make one with: head -c 32 /dev/urandom | base64 > FILE, and chmod 600 FILE"
        case .openToken(let file): "chmod 600 \(file)"
        }
    }
}
