import Diagnostics
import Wire

/// Why a store did not do what it was asked.
public enum StoreError: NumberedError, Equatable {
    case full(neededBytes: Int, freeBytes: Int)
    case diskFull(path: String, neededBytes: Int, reason: String)
    case duplicate(sample: UInt64)
    case missing(sample: UInt64)
    case wrongSize(bytes: Int, expected: Int)
    case damaged(path: String, what: String)
    case unreadable(path: String, reason: String)
    case wrongRun(path: String, run: String, expected: String)
    case wrongCodec(path: String, codec: String, expected: String)
    case inUse(path: String)
    case closed

    /// Full stores, damaged files and folders of others are expected to happen in a program that is otherwise sound.
    public var exitCode: ExitCode {
        switch self {
        case .full, .diskFull: .storeFull
        case .duplicate: .messageRejected
        case .damaged, .unreadable: .storeDamaged
        case .wrongRun, .wrongCodec, .inUse: .runNotResumable
        case .missing, .wrongSize, .closed: .unexpected
        }
    }

    /// What did not fit together.
    public var problem: String {
        switch self {
        case .full(let needed, let free): "The activation store needs \(needed) bytes and has \(free) left"
        case .diskFull(let path, let needed, let reason):
            "\(path): the disk has no room for \(needed) more bytes of activations: \(reason)"
        case .duplicate(let sample): "Sample \(sample) was to be stored twice"
        case .missing(let sample): "Sample \(sample) is not in the activation store"
        case .wrongSize(let bytes, let expected): "Activations of \(expected) bytes were given as \(bytes) bytes"
        case .damaged(let path, let what): "\(path): the activation store is damaged: \(what)"
        case .unreadable(let path, let reason): "\(path): the activation store cannot be used: \(reason)"
        case .wrongRun(let path, let run, let expected):
            "\(path): the activation store belongs to run \(run), not to \(expected)"
        case .wrongCodec(let path, let codec, let expected):
            "\(path): the activation store keeps \(codec), and the run asks for \(expected)"
        case .inUse(let path): "\(path): another process has this activation store open"
        case .closed: "The activation store was to be changed after it was closed"
        }
    }

    /// What to do about it.
    public var remedy: String {
        switch self {
        case .full: "Give the worker more memory for activations, keep them as int8, or use fewer samples"
        case .diskFull: "Make room on the worker's disk; devices try again by themselves, and nothing is lost"
        case .duplicate: "Check that the sample ids of the devices do not overlap"
        case .missing, .wrongSize, .closed: "Report this with the run's log: the worker contradicts itself"
        case .damaged:
            "Check the disk, move the store's folder away and start the worker again: devices send what is missing"
        case .unreadable: "Check that the folder is on a local disk, exists and may be written by this user"
        case .wrongRun: "Give every run a state folder of its own"
        case .wrongCodec: "Leave devices.codec as it was when the run began"
        case .inUse: "Stop the other worker, or whatever looks at the store, or give this one another state folder"
        }
    }

    /// The answer to the device whose message did not get in; nil when the device cannot be the cause.
    public var wireError: WireError? {
        switch self {
        case .full(let needed, let free): .storeFull(neededBytes: needed, freeBytes: free)
        case .diskFull(_, let needed, _): .storeFull(neededBytes: needed, freeBytes: 0)
        case .duplicate(let sample): .sampleAlreadyStored(sample)
        case .missing, .wrongSize, .damaged, .unreadable, .wrongRun, .wrongCodec, .inUse, .closed: nil
        }
    }
}
