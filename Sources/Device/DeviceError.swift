import Diagnostics

/// Why a device cannot go on, beyond what `PublishError` says of single messages.
public enum DeviceError: NumberedError, Equatable {
    /// One message needs more bytes than the worker will ever let be on their way.
    case messageBeyondCredit(bytes: Int, creditBytes: Int)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .messageRejected }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .messageBeyondCredit(let bytes, let creditBytes):
            "A message of \(bytes) bytes can never be sent, because the worker's credit is \(creditBytes) bytes"
        }
    }

    /// What to do next.
    public var remedy: String { "Raise devices.credit_bytes, or lower devices.publish_batch" }
}
