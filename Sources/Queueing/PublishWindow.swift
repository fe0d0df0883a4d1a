import Wire

/// The device's side of credit and acknowledgement: which messages are on their way and when to send one again.
///
/// Times are measured from any fixed moment; the caller holds the clock and the payloads.
public struct PublishWindow: Sendable {
    /// One sending of a message.
    public struct Sending: Sendable, Equatable {
        /// The message.
        public let sequence: UInt64
        /// 1 for the first sending.
        public let attempt: UInt32
        /// Bytes of the payload frame.
        public let bytes: Int
    }

    /// What to do next about a message.
    public enum Action: Sendable, Equatable {
        case send(Sending)
        case fail(PublishError)
        /// The answer is about a message that is not on its way any more.
        case ignore
    }

    private struct Entry {
        var attempt: UInt32
        let bytes: Int
        var sentAt: Duration
        /// Why it was refused at first: what follows from that says less.
        var refusal: Body.Reject?
    }

    /// Payload bytes that may be sent now.
    public private(set) var creditBytes = 0

    /// How many messages were ever sent, not counting repetitions: the last sequence.
    public private(set) var messageCount: UInt64 = 0

    private let acknowledgementTimeout: Duration
    private let maximumAttempts: UInt32
    private let sequences: Int
    private var entries: [UInt64: Entry] = [:]

    /// A window without credit.
    ///
    /// - Parameters:
    ///   - acknowledgementTimeout: how long to wait for an answer before a message is sent again.
    ///   - maximumAttempts: how often a message is sent before the device gives up.
    ///   - sequences: how far ahead of a missing acknowledgement new messages may run: the worker's `Ingress` window.
    public init(
        acknowledgementTimeout: Duration, maximumAttempts: UInt32, sequences: Int = 1024
    ) {
        self.sequences = sequences
        self.acknowledgementTimeout = acknowledgementTimeout
        self.maximumAttempts = maximumAttempts
    }

    /// Messages that are on their way.
    public var unacknowledgedCount: Int { entries.count }

    /// When `retransmissions(now:)` next has something to say; nil when nothing is on its way.
    public var nextDeadline: Duration? { entries.values.map(\.sentAt).min().map { $0 + acknowledgementTimeout } }

    /// Whether there is credit for a payload, and no missing acknowledgement that has to come first.
    public func canSend(bytes: Int) -> Bool {
        guard bytes <= creditBytes else { return false }
        guard let oldest = entries.keys.min() else { return true }
        return messageCount + 1 - oldest < UInt64(sequences)
    }

    /// Charges a new message, which the caller sends under the returned sequence.
    ///
    /// - Precondition: `canSend(bytes:)`.
    public mutating func sent(bytes: Int, now: Duration) -> Sending {
        precondition(canSend(bytes: bytes), "\(bytes) bytes may not be sent now")
        creditBytes -= bytes
        messageCount += 1
        entries[messageCount] = Entry(attempt: 1, bytes: bytes, sentAt: now)
        return Sending(sequence: messageCount, attempt: 1, bytes: bytes)
    }

    /// The worker granted credit.
    public mutating func granted(_ credit: Body.Credit) { addCredit(credit.bytes) }

    /// The worker has stored a message.
    ///
    /// - Returns: whether this is the first acknowledgement, so that the payload can be dropped. Another one changes
    ///   nothing.
    public mutating func acknowledged(_ ack: Body.Ack) -> Bool {
        guard entries.removeValue(forKey: ack.sequence) != nil else { return false }
        addCredit(ack.creditBytes)
        return true
    }

    /// The worker refused a message: it is sent again, free of charge, or given up and forgotten. The reason given is
    /// that of the first refusal.
    public mutating func rejected(_ reject: Body.Reject, now: Duration) -> Action {
        guard let entry = entries[reject.sequence] else { return .ignore }
        let refusal = entry.refusal ?? reject
        entries[reject.sequence]?.refusal = refusal
        let isFinal = WireError.finalNumbers.contains(reject.number)
        if !isFinal, let sending = sendAgain(reject.sequence, now: now) { return .send(sending) }
        entries[reject.sequence] = nil
        // The worker never charged it, so its credit is good for another message.
        addCredit(UInt64(entry.bytes))
        return .fail(
            .rejected(
                sequence: reject.sequence, attempts: entry.attempt, number: refusal.number, text: refusal.text))
    }

    /// What to do about messages that had no answer in time, in the order of their sequences: each is sent again, free
    /// of charge, or given up and forgotten.
    public mutating func retransmissions(now: Duration) -> [Action] {
        let late = entries.filter { now - $0.value.sentAt >= acknowledgementTimeout }
        return late.keys.sorted().map { sequence in
            sendAgain(sequence, now: now).map(Action.send)
                ?? .fail(.unacknowledged(sequence: sequence, attempts: maximumAttempts))
        }
    }

    /// The next sending of a message, or nil when it was the last one: then the message is forgotten.
    private mutating func sendAgain(_ sequence: UInt64, now: Duration) -> Sending? {
        guard var entry = entries.removeValue(forKey: sequence), entry.attempt < maximumAttempts else { return nil }
        entry.attempt += 1
        entry.sentAt = now
        entries[sequence] = entry
        return Sending(sequence: sequence, attempt: entry.attempt, bytes: entry.bytes)
    }

    /// A grant is a number from the network: it may raise credit to the most there is, and not beyond.
    private mutating func addCredit(_ bytes: UInt64) {
        let (sum, overflow) = creditBytes.addingReportingOverflow(Int(clamping: bytes))
        creditBytes = overflow ? .max : sum
    }
}
