import Diagnostics

/// Why a message was refused. Each case has a protocol number that never changes its meaning; `Reject` carries it.
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

    /// The protocol error number.
    public var number: UInt32 {
        switch self {
        case .unsupportedVersion: 1
        case .headerTooLarge: 2
        case .malformedHeader: 3
        case .missingBody: 4
        case .textTooLong: 5
        case .unexpectedMessage: 6
        case .unknownRun: 10
        case .unknownSender: 11
        case .unknownSession: 12
        case .notEnrolled: 13
        case .wrongRole: 14
        case .payloadMissing: 20
        case .tooManyFrames: 21
        case .frameTooLarge: 22
        case .wrongPayloadLength: 23
        case .unknownCodec: 24
        case .checksumMismatch: 25
        case .nonFiniteValue: 26
        case .noSamples: 30
        case .tooManySamples: 31
        case .countsDiffer: 32
        case .lengthOutOfRange: 33
        case .tooManyRows: 34
        case .rowsMismatch: 35
        case .widthMismatch: 36
        case .cutOutOfRange: 37
        case .duplicateSample: 38
        case .foreignSample: 39
        case .targetOutOfRange: 40
        case .sampleAlreadyStored: 41
        case .tooManyTargets: 42
        case .targetLengthOutOfRange: 43
        case .targetsMismatch: 44
        case .partOutOfRange: 45
        case .partsDiffer: 46
        case .creditExceeded: 50
        case .staleAttempt: 51
        case .sequenceOutOfRange: 52
        case .deadLettered: 53
        case .senderRefused: 54
        case .storeFull: 55
        case .draining: 56
        }
    }

    /// The numbers after which sending a message again cannot help.
    public static let finalNumbers: Set<UInt32> = [
        deadLettered(sequence: 0).number, senderRefused(deadLetters: 0).number,
    ]

    /// The numbers that say nothing about the message: it is sent again later, as often as need be.
    public static let passingNumbers: Set<UInt32> = [
        storeFull(neededBytes: 0, freeBytes: 0).number, draining.number,
    ]

    /// A full store has a code of its own; every other refusal is a rejected message.
    public var exitCode: ExitCode {
        if case .storeFull = self { .storeFull } else { .messageRejected }
    }
}
