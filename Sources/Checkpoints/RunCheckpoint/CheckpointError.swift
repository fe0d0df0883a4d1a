import Diagnostics

/// Why a run checkpoint cannot be used.
public enum CheckpointError: NumberedError, Equatable {
    /// The folder or a file in it cannot be read.
    case unreadable(path: String, reason: String)
    /// The folder has no marker: its writer never came to the end.
    case unfinished(folder: String)
    case damaged(folder: String, file: String, reason: String)
    /// It was written by a version of the program that this one does not know.
    case unsupportedVersion(folder: String, version: Int)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode { .checkpointDamaged }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .unreadable(let path, let reason): "The checkpoint \(path) cannot be read: \(reason)"
        case .unfinished(let folder):
            "The checkpoint \(folder) was never finished: it has no file '\(CheckpointMarker.name)'"
        case .damaged(let folder, let file, let reason): "The checkpoint \(folder) is damaged in \(file): \(reason)"
        case .unsupportedVersion(let folder, let version):
            "The checkpoint \(folder) has the format \(version), this program knows \(CheckpointState.currentVersion)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unreadable: "Check the path and its permissions"
        case .unfinished, .damaged: "Resume from an older checkpoint, or train again from the start"
        case .unsupportedVersion: "Resume with the version of the program that wrote it"
        }
    }
}
