import Diagnostics

extension WireError {
    /// What was wrong with the message, with the values that contradict each other.
    public var problem: String {
        switch self {
        case .unsupportedVersion(let version):
            "The header has protocol version \(version), this side speaks \(Envelope.protocolVersion)"
        case .headerTooLarge(let bytes, let limit):
            "The header has \(bytes) bytes, the limit is \(limit)"
        case .malformedHeader(let bytes):
            "The header of \(bytes) bytes is not a readable Header message"
        case .missingBody:
            "The header has no body, or one that this version does not know"
        case .textTooLong(let bytes, let limit):
            "A text in the header has \(bytes) bytes, the limit is \(limit)"
        case .unexpectedMessage(let name):
            "A message of kind \(name) came to a role that does not take it"
        case .unknownRun(let run):
            "The message belongs to run \"\(run)\", which is not run here"
        case .unknownSender(let sender):
            "The sender \"\(sender)\" is not part of the run's plan"
        case .unknownSession:
            "The sender has not introduced itself since this side was started or it connected"
        case .notEnrolled(let sender):
            "The key of \"\(sender)\" is not enrolled, or was revoked"
        case .wrongRole(let sender):
            "\"\(sender)\" may not say this: its key is enrolled for another role"
        case .payloadMissing:
            "The activations came without their payload frame"
        case .tooManyFrames(let found, let expected):
            "The message has \(found) payload frames instead of \(expected)"
        case .frameTooLarge(let bytes, let limit):
            "The payload frame has \(bytes) bytes, the limit is \(limit)"
        case .wrongPayloadLength(let bytes, let expected):
            "The payload frame has \(bytes) bytes, rows, columns and codec ask for \(expected)"
        case .unknownCodec(let number):
            "The payload codec number \(number) is not known"
        case .checksumMismatch(let stated, let computed):
            "The payload's checksum is 0x\(computed.hexadecimal), the header states 0x\(stated.hexadecimal)"
        case .nonFiniteValue(let row, let column):
            "The payload has a value that is not finite in row \(row), column \(column)"
        case .notExpandable(let compression, let bytes, let expected):
            "The payload frame of \(bytes) bytes in compression \(compression) does not expand to \(expected) bytes"
        case .noSamples:
            "The activations name no sample"
        case .tooManySamples(let count, let limit):
            "The message has \(count) samples, the limit is \(limit)"
        case .countsDiffer(let ids, let lengths, let targetLengths):
            "The message has \(ids) sample ids, \(lengths) lengths and \(targetLengths) target lengths"
        case .lengthOutOfRange(let sample, let length, let limit):
            "Sample \(sample) has \(length) tokens, allowed are 1 to \(limit)"
        case .tooManyRows(let rows, let limit):
            "The message has \(rows) rows, the limit is \(limit)"
        case .rowsMismatch(let rows, let sum):
            "The header states \(rows) rows, the lengths add up to \(sum)"
        case .widthMismatch(let columns, let expected):
            "The activations are \(columns) wide, the model is \(expected)"
        case .cutOutOfRange(let cut, let maximum):
            "The activations were cut after block \(cut), the highest frozen block is \(maximum)"
        case .duplicateSample(let sample):
            "Sample \(sample) occurs twice in the message"
        case .foreignSample(let sample):
            "Sample \(sample) does not belong to the sender"
        case .targetOutOfRange(let sample, let target, let limit):
            "Sample \(sample) has target \(target), the task's classes or tokens are below \(limit)"
        case .sampleAlreadyStored(let sample):
            "Sample \(sample) is already stored from another message"
        case .tooManyTargets(let count, let limit):
            "The message has \(count) targets, the limit is \(limit)"
        case .targetLengthOutOfRange(let sample, let targets, let length):
            "Sample \(sample) has \(targets) targets, its \(length) tokens allow 1 to \(length)"
        case .targetsMismatch(let targets, let sum):
            "The message has \(targets) targets, the target lengths add up to \(sum)"
        case .partOutOfRange(let part, let parts, let rows):
            "The message is part \(part) of \(parts), which has no rows of its \(rows)"
        case .partsDiffer(let sequence):
            "The parts of message \(sequence) do not belong together"
        case .creditExceeded(let bytes, let available):
            "The payload has \(bytes) bytes, the sender's credit is \(available)"
        case .staleAttempt(let attempt, let latest):
            "The message is attempt \(attempt), attempt \(latest) came before it"
        case .sequenceOutOfRange(let sequence, let samples):
            "Sequence \(sequence) is none of the \(samples) that a device with \(samples) samples can have"
        case .deadLettered(let sequence):
            "Sequence \(sequence) was given up after repeated rejections"
        case .senderRefused(let deadLetters):
            "The sender already has \(deadLetters) messages that were given up"
        case .storeFull(let needed, let free):
            "The activation store needs \(needed) bytes for the message and has \(free) left"
        case .draining:
            "The worker takes no more messages: another one takes over"
        case .unknownKind(let kind):
            "No method has messages of kind \(kind)"
        case .tooManyTensors(let count, let limit):
            "The message has \(count) tensors or numbers, the limit is \(limit)"
        case .nameRepeated(let name):
            "The message has two tensors or numbers of the name '\(name)'"
        case .messageTooLarge(let bytes, let limit):
            "The tensors of the message have \(bytes) bytes, the limit is \(limit)"
        case .numberOutOfRange(let name, let value):
            "The message's \(name) cannot be \(value)"
        }
    }

    /// What the sender, or whoever runs it, should do.
    public var remedy: String {
        switch self {
        case .unsupportedVersion:
            "Run the same release on devices, workers and coordinator"
        case .headerTooLarge, .frameTooLarge, .tooManySamples, .tooManyRows, .tooManyTargets:
            "Put fewer samples into one message, or raise the limit on both sides"
        case .textTooLong:
            "Shorten the id, endpoint or text"
        case .unknownRun, .unknownSender:
            "Start the sender with the run id and device id of the current plan"
        case .unknownSession:
            "Introduce yourself again"
        case .notEnrolled:
            "Enroll the key (permafrost devices enroll), or use the key that is enrolled"
        case .wrongRole:
            "Enroll the key for the role that it is used in"
        case .unexpectedMessage:
            "Check which endpoint the sender was given"
        case .lengthOutOfRange:
            "Truncate the sample to the model's context"
        case .widthMismatch, .cutOutOfRange:
            "Give device and worker the same model and plan"
        case .targetOutOfRange:
            "Give device and worker the same task, label map and tokenizer"
        case .targetLengthOutOfRange:
            "Give each sample at least one target and no more than it has tokens"
        case .sequenceOutOfRange:
            "Number messages from 1, and give each at least one sample"
        case .draining:
            "Wait for the coordinator to name the new worker"
        case .foreignSample, .duplicateSample, .sampleAlreadyStored:
            "Check the sender's data set against the plan"
        case .notExpandable:
            "Install libzstd1 on the worker, or leave devices.compression at none"
        case .nonFiniteValue:
            "Check the sender's model file, or use the codec f32 if values overflow bf16"
        case .creditExceeded, .staleAttempt:
            "Wait for credit and acknowledgements before sending more"
        case .deadLettered, .senderRefused:
            "Look at the earlier rejections of this sender, mend their cause and restart it"
        case .storeFull:
            "Give the worker more memory for activations, or fewer samples"
        case .tooManyTensors, .messageTooLarge:
            "Train adapters of a smaller rank or of fewer layers, or raise the limit on both sides"
        case .unknownKind, .nameRepeated, .numberOutOfRange:
            "Run the same release, with the same recipe, on both sides"
        case .malformedHeader, .missingBody, .payloadMissing, .tooManyFrames, .wrongPayloadLength, .unknownCodec,
            .checksumMismatch, .noSamples, .countsDiffer, .rowsMismatch, .targetsMismatch, .partOutOfRange,
            .partsDiffer:
            "Send the message again; if it repeats, check the sender's release and its network"
        }
    }
}
