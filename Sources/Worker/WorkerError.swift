import Diagnostics
import Queueing

/// Why a worker cannot go on, beyond what training itself says.
public enum WorkerError: NumberedError, Equatable {
    /// The activation store cannot take another message.
    case storeFull(StoreError)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .storeFull }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .storeFull(let error): error.problem
        }
    }

    /// What to do next.
    public var remedy: String { "Raise store.capacity_bytes, train on fewer sentences, or use devices.codec=bf16" }
}
