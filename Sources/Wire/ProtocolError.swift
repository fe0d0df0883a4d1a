/// The number of an error in the protocol, which `Reject` carries. A number is never reused for another meaning.
public enum ProtocolError: UInt32, CaseIterable, Sendable {
    // 1-9: headers.
    case unsupportedVersion = 1
    case headerTooLarge = 2
    case malformedHeader = 3
    case missingBody = 4
    case textTooLong = 5
    case unexpectedMessage = 6

    // 10-19: who may speak.
    case unknownRun = 10
    case unknownSender = 11
    case unknownSession = 12
    case notEnrolled = 13
    case wrongRole = 14

    // 20-29: payloads.
    case payloadMissing = 20
    case tooManyFrames = 21
    case frameTooLarge = 22
    case wrongPayloadLength = 23
    case unknownCodec = 24
    case checksumMismatch = 25
    case nonFiniteValue = 26
    case notExpandable = 27

    // 30-49: samples and shapes.
    case noSamples = 30
    case tooManySamples = 31
    case countsDiffer = 32
    case lengthOutOfRange = 33
    case tooManyRows = 34
    case rowsMismatch = 35
    case widthMismatch = 36
    case cutOutOfRange = 37
    case duplicateSample = 38
    case foreignSample = 39
    case targetOutOfRange = 40
    case sampleAlreadyStored = 41
    case tooManyTargets = 42
    case targetLengthOutOfRange = 43
    case targetsMismatch = 44
    case partOutOfRange = 45
    case partsDiffer = 46

    // 50-59: the queue.
    case creditExceeded = 50
    case staleAttempt = 51
    case sequenceOutOfRange = 52
    case deadLettered = 53
    case senderRefused = 54
    case storeFull = 55
    case draining = 56

    // 60-69: messages of methods.
    case unknownKind = 60
    case tooManyTensors = 61
    case nameRepeated = 62
    case messageTooLarge = 63
    case numberOutOfRange = 64

    /// Whether the refused message may be sent again.
    public enum Retry: String, Sendable {
        /// At once, with the next attempt; several refusals make the message a dead letter.
        case again
        /// As often as need be, after a pause: the refusal says nothing about the message.
        case later
        /// After a new introduction.
        case afterHello = "after Hello"
        /// Sending it again cannot help.
        case never
    }

    /// Whether the refused message may be sent again.
    public var retry: Retry {
        switch self {
        case .deadLettered, .senderRefused: .never
        case .storeFull, .draining: .later
        case .unknownSession: .afterHello
        default: .again
        }
    }

    /// All numbers as the table of `docs/protocol.md`.
    public static var documentation: String {
        let rows = allCases.map { "| \($0.rawValue) | `\($0)` | \($0.meaning) | \($0.retry.rawValue) |" }
        return (["| number | name | meaning | send again |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }
}
