import Diagnostics

/// A file that could not be opened, mapped or written.
public enum FileError: NumberedError, Equatable {
    case unreadable(file: String, reason: String)
    case unwritable(file: String, reason: String)

    public var exitCode: ExitCode {
        switch self {
        case .unreadable: .modelUnreadable
        case .unwritable: .runFolderUnwritable
        }
    }

    public var problem: String {
        switch self {
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .unwritable(let file, let reason): "\(file) cannot be written: \(reason)"
        }
    }

    public var remedy: String {
        switch self {
        case .unreadable: "Check the path and its permissions, or fetch the file again"
        case .unwritable: "Check that the folder exists, is yours to write, and that the disk has room"
        }
    }
}
