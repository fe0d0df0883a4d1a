import Diagnostics

/// A message that a device could not bring to its worker.
public enum PublishError: NumberedError, Equatable {
    /// The worker refused it as often as it may be tried, or for good; the number and text are those of its first
    /// refusal. Sequence 0 stands for all of the device's messages.
    case rejected(sequence: UInt64, attempts: UInt32, number: UInt32, text: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .messageRejected }

    /// The message, and what became of it.
    public var problem: String {
        switch self {
        case .rejected(0, _, let number, let text):
            "The worker takes no messages of this device, with protocol error \(number): \(text)"
        case .rejected(let sequence, let attempts, let number, let text):
            "The worker rejected message \(sequence) \(attempts) times, first with protocol error \(number): \(text)"
        }
    }

    /// What to look at.
    public var remedy: String { "Mend what the protocol error names and start the device again" }
}
