import Diagnostics

/// Why a message was refused. Each has a kind with a protocol number, which `Reject` carries.
public enum WireError: NumberedError, Equatable {
    // 1-9: headers.
    case unsupportedVersion(UInt32)
    case headerTooLarge(bytes: Int, limit: Int)
    case malformedHeader(bytes: Int)
    case missingBody
    case textTooLong(bytes: Int, limit: Int)
    case unexpectedMessage(String)

    // 10-19: who may speak.
    case unknownRun(String)
    case unknownSender(String)
    case unknownSession
    case notEnrolled(String)
    case wrongRole(String)

    // 20-29: payloads.
    case payloadMissing
    case tooManyFrames(found: Int, expected: Int)
    case frameTooLarge(bytes: Int, limit: Int)
    case wrongPayloadLength(bytes: Int, expected: Int)
    case unknownCodec(UInt32)
    case checksumMismatch(stated: UInt64, computed: UInt64)
    case nonFiniteValue(row: Int, column: Int)
    case notExpandable(compression: UInt32, bytes: Int, expected: Int)

    // 30-49: samples and shapes.
    case noSamples
    case tooManySamples(count: Int, limit: Int)
    case countsDiffer(ids: Int, lengths: Int, targetLengths: Int)
    case lengthOutOfRange(sample: UInt64, length: UInt32, limit: Int)
    case tooManyRows(rows: UInt32, limit: Int)
    case rowsMismatch(rows: UInt32, sum: Int)
    case widthMismatch(columns: UInt32, expected: Int)
    case cutOutOfRange(cut: UInt32, maximum: Int)
    case duplicateSample(UInt64)
    case foreignSample(UInt64)
    case targetOutOfRange(sample: UInt64, target: UInt32, limit: Int)
    case sampleAlreadyStored(UInt64)
    case tooManyTargets(count: Int, limit: Int)
    case targetLengthOutOfRange(sample: UInt64, targets: UInt32, length: UInt32)
    case targetsMismatch(targets: Int, sum: Int)
    case partOutOfRange(part: UInt32, parts: UInt32, rows: UInt32)
    case partsDiffer(sequence: UInt64)

    // 50-59: the queue.
    case creditExceeded(bytes: Int, available: Int)
    case staleAttempt(attempt: UInt32, latest: UInt32)
    case sequenceOutOfRange(sequence: UInt64, samples: UInt64)
    case deadLettered(sequence: UInt64)
    case senderRefused(deadLetters: Int)
    case storeFull(neededBytes: Int, freeBytes: Int)
    case draining

    // 60-69: messages of methods.
    case unknownKind(UInt32)
    case tooManyTensors(count: Int, limit: Int)
    case nameRepeated(String)
    case messageTooLarge(bytes: Int, limit: Int)
    case numberOutOfRange(name: String, value: UInt64)

    /// The kind of the error, which has its protocol number.
    public var kind: ProtocolError {
        switch self {
        case .unsupportedVersion: .unsupportedVersion
        case .headerTooLarge: .headerTooLarge
        case .malformedHeader: .malformedHeader
        case .missingBody: .missingBody
        case .textTooLong: .textTooLong
        case .unexpectedMessage: .unexpectedMessage
        case .unknownRun: .unknownRun
        case .unknownSender: .unknownSender
        case .unknownSession: .unknownSession
        case .notEnrolled: .notEnrolled
        case .wrongRole: .wrongRole
        case .payloadMissing: .payloadMissing
        case .tooManyFrames: .tooManyFrames
        case .frameTooLarge: .frameTooLarge
        case .wrongPayloadLength: .wrongPayloadLength
        case .unknownCodec: .unknownCodec
        case .checksumMismatch: .checksumMismatch
        case .nonFiniteValue: .nonFiniteValue
        case .notExpandable: .notExpandable
        case .noSamples: .noSamples
        case .tooManySamples: .tooManySamples
        case .countsDiffer: .countsDiffer
        case .lengthOutOfRange: .lengthOutOfRange
        case .tooManyRows: .tooManyRows
        case .rowsMismatch: .rowsMismatch
        case .widthMismatch: .widthMismatch
        case .cutOutOfRange: .cutOutOfRange
        case .duplicateSample: .duplicateSample
        case .foreignSample: .foreignSample
        case .targetOutOfRange: .targetOutOfRange
        case .sampleAlreadyStored: .sampleAlreadyStored
        case .tooManyTargets: .tooManyTargets
        case .targetLengthOutOfRange: .targetLengthOutOfRange
        case .targetsMismatch: .targetsMismatch
        case .partOutOfRange: .partOutOfRange
        case .partsDiffer: .partsDiffer
        case .creditExceeded: .creditExceeded
        case .staleAttempt: .staleAttempt
        case .sequenceOutOfRange: .sequenceOutOfRange
        case .deadLettered: .deadLettered
        case .senderRefused: .senderRefused
        case .storeFull: .storeFull
        case .draining: .draining
        case .unknownKind: .unknownKind
        case .tooManyTensors: .tooManyTensors
        case .nameRepeated: .nameRepeated
        case .messageTooLarge: .messageTooLarge
        case .numberOutOfRange: .numberOutOfRange
        }
    }

    /// The protocol error number.
    public var number: UInt32 { kind.rawValue }

    /// The numbers after which sending a message again cannot help.
    public static let finalNumbers = Set(ProtocolError.allCases.filter { $0.retry == .never }.map(\.rawValue))

    /// The numbers that say nothing about the message: it is sent again later, as often as need be.
    public static let passingNumbers = Set(ProtocolError.allCases.filter { $0.retry == .later }.map(\.rawValue))

    /// A full store has a code of its own; every other refusal is a rejected message.
    public var exitCode: ExitCode {
        if case .storeFull = self { .storeFull } else { .messageRejected }
    }
}
