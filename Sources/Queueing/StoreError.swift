import Diagnostics
import Wire

/// Why a store did not do what it was asked.
public enum StoreError: NumberedError, Equatable {
    case full(neededBytes: Int, freeBytes: Int)
    case duplicate(sample: UInt64)
    case missing(sample: UInt64)
    case wrongSize(bytes: Int, expected: Int)

    /// Only a full store is expected to happen in a run that is otherwise sound.
    public var exitCode: ExitCode {
        switch self {
        case .full: .storeFull
        case .duplicate: .messageRejected
        case .missing, .wrongSize: .unexpected
        }
    }

    /// What did not fit together.
    public var problem: String {
        switch self {
        case .full(let needed, let free): "The activation store needs \(needed) bytes and has \(free) left"
        case .duplicate(let sample): "Sample \(sample) was to be stored twice"
        case .missing(let sample): "Sample \(sample) is not in the activation store"
        case .wrongSize(let bytes, let expected): "Activations of \(expected) bytes were given as \(bytes) bytes"
        }
    }

    /// What to do about it.
    public var remedy: String {
        switch self {
        case .full: "Give the worker more memory for activations, keep them as bf16, or use fewer samples"
        case .duplicate: "Check that the sample ids of the devices do not overlap"
        case .missing, .wrongSize: "Report this with the run's log: the worker contradicts itself"
        }
    }

    /// The answer to the device whose message did not get in; nil when the device cannot be the cause.
    public var wireError: WireError? {
        switch self {
        case .full(let needed, let free): .storeFull(neededBytes: needed, freeBytes: free)
        case .duplicate(let sample): .sampleAlreadyStored(sample)
        case .missing, .wrongSize: nil
        }
    }
}
