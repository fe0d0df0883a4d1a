import Diagnostics

/// Why a device cannot go on, beyond what `PublishError` says of single messages.
public enum DeviceError: NumberedError, Equatable {
    /// One token needs more bytes than the worker lets be on their way.
    case rowBeyondCredit(bytes: Int, creditBytes: Int)
    /// The plan asks for more blocks than the model has.
    case cutBeyondModel(cut: UInt32, blocks: Int)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .messageRejected }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .rowBeyondCredit(let bytes, let creditBytes):
            "A token's activation of \(bytes) bytes can never be sent, because the worker's credit is "
                + "\(creditBytes) bytes"
        case .cutBeyondModel(let cut, let blocks):
            "The coordinator assigned a cut after \(cut) blocks, and the model has \(blocks)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .rowBeyondCredit: "Raise devices.credit_bytes"
        case .cutBeyondModel: "Start the device with the model that the coordinator's recipe names"
        }
    }
}
