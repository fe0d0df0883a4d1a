import Diagnostics

/// Why a role's process is not known to be well.
public enum HealthError: NumberedError, Equatable {
    /// The address is none of plain HTTP.
    case malformedURL(String)
    /// Nobody answers there, or not in time.
    case unreachable(url: String, reason: String)
    /// What answers does not speak HTTP.
    case notHTTP(url: String)
    /// The process answers that it is not well, or not ready.
    case unwell(url: String, status: Int, text: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .malformedURL: .usage
        case .unreachable: .transportFailed
        case .notHTTP, .unwell: .notHealthy
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .malformedURL(let url): "'\(url)' is not an address such as http://127.0.0.1:9464/healthz"
        case .unreachable(let url, let reason): "Nobody answers at \(url): \(reason)"
        case .notHTTP(let url): "What answers at \(url) does not speak HTTP"
        case .unwell(let url, let status, let text):
            "\(url) answers \(status)" + (text.isEmpty ? "" : ": \(text)")
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .malformedURL: "Name http://HOST:PORT, with a path or without; https is not spoken"
        case .unreachable: "Start the role with --http HOST:PORT and ask there"
        case .notHTTP: "Ask at the port that the role got with --http"
        case .unwell: "Read the role's log; 'permafrost run logs' has what the coordinator knows of it"
        }
    }
}
