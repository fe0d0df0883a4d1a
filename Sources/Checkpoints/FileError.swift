import Diagnostics

/// A file that could not be opened, mapped or written.
public enum FileError: NumberedError, Equatable {
    case unreadable(file: String, reason: String)
    case unwritable(file: String, reason: String)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .unreadable: .modelUnreadable
        case .unwritable: .runFolderUnwritable
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .unwritable(let file, let reason): "\(file) cannot be written: \(reason)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unreadable: "Check the path and its permissions, or fetch the file again"
        case .unwritable: "Check that the folder exists, is yours to write, and that the disk has room"
        }
    }
}
