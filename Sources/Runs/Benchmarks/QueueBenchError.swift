import Diagnostics

/// Why the queue cannot be measured.
public enum QueueBenchError: NumberedError, Equatable {
    /// The folder for the stores cannot be used.
    case folderUnwritable(path: String, reason: String)
    /// The worker did not start, or ended early.
    case workerFailed(reason: String)
    /// Publishers waited too long for an answer.
    case stalled(what: String, seconds: Int)
    /// The worker refused a message that is as it should be.
    case refused(number: UInt32, text: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .folderUnwritable: .runFolderUnwritable
        case .workerFailed, .stalled: .workerLost
        case .refused: .messageRejected
        }
    }

    /// What was wrong.
    public var problem: String {
        switch self {
        case .folderUnwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .workerFailed(let reason): "The measured worker failed: \(reason)"
        case .stalled(let what, let seconds): "\(what) for \(seconds) s"
        case .refused(let number, let text): "The worker refused a message with protocol error \(number): \(text)"
        }
    }

    /// What to do.
    public var remedy: String {
        switch self {
        case .folderUnwritable: "Name a folder with some gigabytes of room: --folder DIR"
        case .workerFailed, .stalled, .refused: "Measure fewer --cases to find out which fails, on a quieter machine"
        }
    }
}
