import Diagnostics
import Wire

/// Why programs of a method cannot speak with each other any more.
public enum ExchangeError: NumberedError, Equatable {
    /// A device came back as another process, which remembers nothing of the steps under way.
    case deviceRestarted(String)
    /// A device was silent for too long.
    case deviceSilent(String, seconds: Double)
    /// A device could not go on.
    case deviceFailed(String, Body.Failure)
    /// A device said goodbye before the end.
    case deviceLeft(String, reason: String)
    /// The server at an endpoint is another process than it was.
    case serverRestarted(endpoint: String)
    /// The server was silent for too long.
    case serverSilent(endpoint: String, seconds: Double)
    /// What a peer sends is refused every time.
    case refused(peer: String, WireError)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .deviceRestarted, .deviceSilent, .deviceLeft: .deviceLost
        case .deviceFailed(_, let failure): ExitCode(rawValue: failure.exitCode) ?? .unexpected
        case .serverRestarted, .serverSilent: .workerLost
        case .refused: .messageRejected
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .deviceRestarted(let device):
            "Device \(device) was started again in the middle of the run, and what trained on it is lost"
        case .deviceSilent(let device, let seconds):
            "Device \(device) was silent for \(Int(seconds.rounded(.up))) s"
        case .deviceFailed(let device, let failure): "Device \(device) cannot go on: \(failure.problem)"
        case .deviceLeft(let device, let reason): "Device \(device) left before the end: \(reason)"
        case .serverRestarted(let endpoint):
            "The server at \(endpoint) was started again in the middle of the run, and what trained on it is lost"
        case .serverSilent(let endpoint, let seconds):
            "The server at \(endpoint) was silent for \(Int(seconds.rounded(.up))) s"
        case .refused(let peer, let error): "What \(peer) sends is refused every time: \(error.problem)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .deviceRestarted, .serverRestarted:
            "Begin the run anew: this method keeps no state on a device. Of all methods, splitfrozen goes on"
        case .deviceSilent, .deviceLeft:
            "Look after the device, and begin the run anew; devices.silence_seconds says how long is waited"
        case .serverSilent: "Look after the server, and begin the run anew"
        case .deviceFailed(_, let failure): failure.remedy
        case .refused(_, let error): error.remedy
        }
    }
}

extension ExchangeError {
    /// Refusals without any progress between them.
    static let mostRefusals = 3

    /// Reads what a peer has sent; the peer is named when that is not possible.
    static func refusing<Result>(
        _ peer: String, _ body: () throws(WireError) -> Result
    ) throws(ExchangeError) -> Result {
        do {
            return try body()
        } catch {
            throw .refused(peer: peer, error)
        }
    }
}
