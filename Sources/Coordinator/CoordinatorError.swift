import Diagnostics
import Wire

/// Why a run cannot go on, as the coordinator sees it.
public enum CoordinatorError: NumberedError, Equatable {
    /// A device has been silent for too long and has not published everything; `published` is nil where nothing is.
    case deviceLost(device: String, seconds: Double, published: Int?, samples: Int)
    /// The worker has been silent for too long.
    case workerLost(worker: String, seconds: Double, steps: Int)
    /// A device has no samples, or other than it had before.
    case deviceUnfit(device: String, reason: String)
    /// A device or the worker has left, with what it had trained.
    case left(String, reason: String, steps: Int)
    /// A device or worker said why it cannot go on.
    case failed(role: String, exitCode: ExitCode, problem: String, remedy: String)
    /// The ledger has a run with this id that is another one.
    case otherRun(run: String, difference: String)
    /// The ledger's plan was written by another version.
    case unreadablePlan

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .deviceLost, .left: .deviceLost
        case .workerLost: .workerLost
        case .deviceUnfit: .dataTooFew
        case .failed(_, let exitCode, _, _): exitCode
        case .otherRun, .unreadablePlan: .runNotResumable
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .deviceLost(let device, let seconds, let published, let samples):
            "\(device) has not been heard of for \(Self.text(seconds)) s"
                + (published.map { ", \($0) of its \(samples) samples are published" } ?? "")
        case .workerLost(let worker, let seconds, let steps):
            "\(worker) has not been heard of for \(Self.text(seconds)) s, after \(steps) steps"
        case .left(let id, let reason, let steps):
            "\(id) left after \(steps) step\(steps == 1 ? "" : "s")" + (reason.isEmpty ? "" : ": \(reason)")
        case .deviceUnfit(let device, let reason): "\(device) cannot take part: \(reason)"
        case .failed(let role, _, let problem, _): "\(role) cannot go on: \(problem)"
        case .otherRun(let run, let difference): "the ledger has another run \(run): \(difference)"
        case .unreadablePlan: "the ledger's newest plan cannot be read"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .deviceLost:
            "Start the run again when the device is back, or without it (devices.cuts); a device that is only slow "
                + "needs more devices.silence_seconds"
        case .left: "Start the run again: its method keeps nothing on devices to go on with"
        case .workerLost: "Look at the worker's own output, and start the run again"
        case .deviceUnfit: "Give the device data, or take it out of devices.cuts"
        case .failed(_, _, _, let remedy): remedy
        case .otherRun: "Start the coordinator with the recipe of that run, or with another run id or state folder"
        case .unreadablePlan: "Use the version of the program that wrote it, or another state folder"
        }
    }

    private static func text(_ seconds: Double) -> String {
        Int(exactly: seconds).map { "\($0)" } ?? "\(seconds)"
    }
}
