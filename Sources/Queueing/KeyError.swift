import Diagnostics

/// A key or key file that cannot be used. Nothing here ever shows a key.
public enum KeyError: NumberedError, Equatable {
    case malformed(place: String, reason: String)
    case unreadable(path: String, reason: String)
    case readableByOthers(path: String)
    case exists(path: String)
    case unwritable(path: String, reason: String)
    case invalidName(String)
    case generationFailed(reason: String)

    /// All have one number.
    public var exitCode: ExitCode { .keyRefused }

    /// What is wrong, and with which file.
    public var problem: String {
        switch self {
        case .malformed(let place, let reason): "\(place) is not a key: \(reason)"
        case .unreadable(let path, let reason): "The key file \(path) cannot be read: \(reason)"
        case .readableByOthers(let path): "The secret key file \(path) can be read or written by others than its owner"
        case .exists(let path): "There is a key file \(path) already"
        case .unwritable(let path, let reason): "The key file \(path) cannot be written: \(reason)"
        case .invalidName(let name): "\"\(name)\" cannot be the name of a key"
        case .generationFailed(let reason): "No key could be made: \(reason)"
        }
    }

    /// What to do.
    public var remedy: String {
        switch self {
        case .malformed: "Make a new pair with: permafrost keys generate NAME"
        case .unreadable: "Check the path, or make a pair with: permafrost keys generate NAME"
        case .readableByOthers(let path):
            "If nobody else has read it: chmod 600 \(path). Otherwise make a new pair and enroll that"
        case .exists:
            "Choose another name, or replace the pair with --force; whoever enrolled it must enroll the new one"
        case .unwritable: "Check the folder's permissions and free space, or name another one with --folder"
        case .invalidName: "Use letters, digits, '.', '_' and '-', and begin with a letter or digit"
        case .generationFailed: "Use a libzmq that was built with CURVE; permafrost doctor shows its version"
        }
    }
}
