import Diagnostics

/// A message that a device could not bring to its worker.
public enum PublishError: NumberedError, Equatable {
    /// The worker refused it every time, last with this protocol error.
    case rejected(sequence: UInt64, attempts: UInt32, number: UInt32, text: String)
    /// The worker never answered.
    case unacknowledged(sequence: UInt64, attempts: UInt32)

    /// A refusal is about the message, silence about the worker.
    public var exitCode: ExitCode {
        switch self {
        case .rejected: .messageRejected
        case .unacknowledged: .workerLost
        }
    }

    /// The message, and what became of it.
    public var problem: String {
        switch self {
        case .rejected(let sequence, let attempts, let number, let text):
            "The worker rejected message \(sequence) \(attempts) times, last with protocol error \(number): \(text)"
        case .unacknowledged(let sequence, let attempts):
            "The worker did not acknowledge message \(sequence), which was sent \(attempts) times"
        }
    }

    /// What to look at.
    public var remedy: String {
        switch self {
        case .rejected: "Mend what the protocol error names and start the device again"
        case .unacknowledged: "Check that the worker runs and can be reached, and start the device again"
        }
    }
}
