import Diagnostics
import Queueing

/// Why a worker cannot go on, beyond what training itself says.
public enum WorkerError: NumberedError, Equatable {
    /// The activation store cannot take another message.
    case storeFull(StoreError)
    /// The worker that takes over refuses what this one hands over.
    case handoverRefused(successor: String, text: String)
    /// There is no room for the checkpoint that another worker hands over.
    case handoverUnwritable(file: String, reason: String)
    /// What earlier steps have trained is told in a way that cannot be gone on from.
    case pastUnusable(step: UInt64, reason: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .storeFull: .storeFull
        case .handoverRefused: .messageRejected
        case .handoverUnwritable: .runFolderUnwritable
        case .pastUnusable: .runNotResumable
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .storeFull(let error): error.problem
        case .handoverRefused(let successor, let text):
            "The worker \(successor) refused what it was to take over: \(text)"
        case .handoverUnwritable(let file, let reason):
            "\(file), of the checkpoint that is handed over, cannot be written: \(reason)"
        case .pastUnusable(let step, let reason): "The run cannot go on at step \(step): \(reason)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .storeFull: "Raise store.capacity_bytes, train on fewer sentences, or use devices.codec=int8"
        case .handoverRefused:
            "Give both workers the same release and recipe, and start this one again: nothing of it is lost"
        case .handoverUnwritable: "Free some disk space and start it again: the other worker still has everything"
        case .pastUnusable:
            "Look at the run with permafrost run info, which checks the recorded steps, or remove the worker's checkpoints"
        }
    }
}
