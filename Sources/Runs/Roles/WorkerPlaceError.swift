import Diagnostics

/// Why a worker has no id.
public enum WorkerPlaceError: NumberedError, Equatable {
    /// A name with `..` that stands for no ids.
    case malformed(String)
    /// Every id of a range is held by another process.
    case allTaken([String], folder: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .malformed: .usage
        case .allTaken: .stateInUse
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .malformed(let name): "'\(name)' is no range of ids such as worker-1..4"
        case .allTaken(let ids, let folder):
            "All \(ids.count) ids from \(ids.first ?? "-") to \(ids.last ?? "-") are held by workers that share \(folder)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .malformed: "Write NAME-FIRST..LAST, with at most 1000 ids"
        case .allTaken: "Start fewer workers, or name a longer range and make and enroll keys for it"
        }
    }
}
