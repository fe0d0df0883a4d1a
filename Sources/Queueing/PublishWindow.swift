import Wire

/// The device's side of credit and acknowledgement: which parts of messages are on their way, and when to send one
/// again.
///
/// Silence never makes it give up, and a link that still moves gets no second copies: see `retransmissions(now:)`.
/// Times are measured from any fixed moment; the caller holds the clock and the payloads.
public struct PublishWindow: Sendable {
    /// What is sent and acknowledged as one.
    public struct Part: Sendable, Hashable {
        /// The message.
        public let sequence: UInt64
        /// Which of its parts, from 0.
        public let index: UInt32

        /// A part of a message.
        public init(sequence: UInt64, index: UInt32) {
            self.sequence = sequence
            self.index = index
        }
    }

    /// One sending of a part.
    public struct Sending: Sendable, Equatable {
        /// What is sent.
        public let part: Part
        /// 1 for the first sending, one more for each further one, in whichever session.
        public let attempt: UInt32
        /// Bytes of the payload frame.
        public let bytes: Int
    }

    /// What to do about a refused part.
    public enum Action: Sendable, Equatable {
        case send(Sending)
        case fail(PublishError)
        /// The refusal is about a part that is not on its way any more.
        case ignore
    }

    private struct Entry {
        let bytes: Int
        var sentAt: Duration
        /// When an answer came to a heartbeat that was sent after the part: it has been delivered by then.
        var deliveredAt: Duration?
        /// It waits here until then.
        var postponedUntil: Duration?
    }

    /// What is remembered of a part across sessions.
    private struct History {
        var attempt: UInt32 = 0
        var refusals: UInt32 = 0
        /// Why it was refused at first: what follows from that says less.
        var refusal: Body.Reject?
    }

    /// Payload bytes that may be sent now.
    public private(set) var creditBytes = 0

    /// Payload bytes that were sent in this session and are not acknowledged.
    public private(set) var bytesOnTheirWay = 0

    private let acknowledgementTimeout: Duration
    private let maximumAttempts: UInt32
    private let maximumParts: Int
    private var entries: [Part: Entry] = [:]
    private var histories: [UInt64: [UInt32: History]] = [:]
    private var lastHeard = Duration.zero

    /// A window without credit.
    ///
    /// - Parameters:
    ///   - acknowledgementTimeout: how long the worker may say nothing, or have a part without answering it.
    ///   - maximumAttempts: how often a part may be refused before its message is given up.
    ///   - maximumParts: parts that may be on their way at a time, whatever the credit.
    public init(acknowledgementTimeout: Duration, maximumAttempts: UInt32, maximumParts: Int = 1024) {
        self.acknowledgementTimeout = acknowledgementTimeout
        self.maximumAttempts = maximumAttempts
        self.maximumParts = maximumParts
    }

    /// Parts that are not acknowledged.
    public var unacknowledgedCount: Int { entries.count }

    /// Whether anything is on its way, rather than waiting here to be sent again.
    public var isMoving: Bool { entries.values.contains { $0.postponedUntil == nil } }

    /// Payload bytes that the worker lets this device have on their way.
    public var accountBytes: Int { saturatingSum(creditBytes, bytesOnTheirWay) }

    /// When `retransmissions(now:)` next has something to say; nil when nothing is on its way.
    public var nextDeadline: Duration? { entries.values.map(deadline).min() }

    /// The worker has begun a new account: nothing is on its way in it.
    public mutating func opened(creditBytes: UInt64, now: Duration) {
        closed()
        self.creditBytes = Int(clamping: creditBytes)
        lastHeard = now
    }

    /// The account is void, with everything on its way in it.
    public mutating func closed() {
        entries = [:]
        bytesOnTheirWay = 0
        creditBytes = 0
    }

    /// Whether there is credit for a payload.
    public func canSend(bytes: Int) -> Bool { bytes <= creditBytes && entries.count < maximumParts }

    /// Charges a part that the caller sends.
    ///
    /// - Precondition: `canSend(bytes:)`, and the part is not on its way.
    public mutating func sent(_ part: Part, bytes: Int, now: Duration) -> Sending {
        precondition(canSend(bytes: bytes) && entries[part] == nil, "\(part) of \(bytes) bytes may not be sent now")
        creditBytes -= bytes
        bytesOnTheirWay += bytes
        entries[part] = Entry(bytes: bytes, sentAt: now)
        return sending(part, bytes: bytes)
    }

    /// The worker granted credit.
    public mutating func granted(_ credit: Body.Credit) { addCredit(credit.bytes) }

    /// The worker has stored a part.
    ///
    /// - Returns: the part and its payload bytes with its first acknowledgement; another one changes nothing.
    public mutating func acknowledged(_ ack: Body.Ack) -> (part: Part, bytes: Int)? {
        let part = Part(sequence: ack.sequence, index: ack.part)
        guard ack.origin == 0, let entry = entries.removeValue(forKey: part) else { return nil }
        bytesOnTheirWay -= entry.bytes
        addCredit(ack.creditBytes)
        return (part, entry.bytes)
    }

    /// The worker refused a part: it is sent again, free of charge, or its message is given up.
    public mutating func rejected(_ reject: Body.Reject, now: Duration) -> Action {
        let part = Part(sequence: reject.sequence, index: reject.part)
        guard reject.origin == 0, let entry = entries[part] else { return .ignore }
        var history = histories[part.sequence]?[part.index] ?? History()
        history.refusals += 1
        history.refusal = history.refusal ?? reject
        histories[part.sequence, default: [:]][part.index] = history
        if !WireError.finalNumbers.contains(reject.number), history.refusals < maximumAttempts {
            return .send(sendAgain(part, entry, now: now))
        }
        let reason = history.refusal ?? reject
        return .fail(
            .rejected(
                sequence: part.sequence, attempts: history.refusals, number: reason.number, text: reason.text))
    }

    /// A part is not taken now, by no fault of its own: it is sent again at a time, which is no refusal.
    public mutating func postponed(_ part: Part, until time: Duration) { entries[part]?.postponedUntil = time }

    /// The worker said something.
    public mutating func heard(now: Duration) { lastHeard = max(lastHeard, now) }

    /// The worker answered a heartbeat. Messages keep their order on a link, so all that was sent before it is there.
    public mutating func answered(heartbeatSentAt: Duration, now: Duration) {
        for (part, entry) in entries where entry.sentAt <= heartbeatSentAt && entry.deliveredAt == nil {
            entries[part]?.deliveredAt = now
        }
    }

    /// The parts to send again now, free of charge, in their order.
    ///
    /// A part is late when the worker has had it for the time-out without an answer. As long as that is not known,
    /// it is late only when the worker has said nothing at all for the time-out: on a slow link that moves it is still
    /// under way, and a second copy would only slow it further.
    public mutating func retransmissions(now: Duration) -> [Sending] {
        entries.filter { deadline($0.value) <= now }
            .sorted { ($0.key.sequence, $0.key.index) < ($1.key.sequence, $1.key.index) }
            .map { sendAgain($0.key, $0.value, now: now) }
    }

    /// A message is settled: should it ever be sent again, its attempts begin anew.
    public mutating func forget(_ sequence: UInt64) { histories[sequence] = nil }

    private func deadline(_ entry: Entry) -> Duration {
        entry.postponedUntil ?? (entry.deliveredAt ?? max(entry.sentAt, lastHeard)) + acknowledgementTimeout
    }

    private mutating func sendAgain(_ part: Part, _ entry: Entry, now: Duration) -> Sending {
        entries[part] = Entry(bytes: entry.bytes, sentAt: now)
        return sending(part, bytes: entry.bytes)
    }

    private mutating func sending(_ part: Part, bytes: Int) -> Sending {
        histories[part.sequence, default: [:]][part.index, default: History()].attempt += 1
        let attempt = histories[part.sequence]?[part.index]?.attempt ?? 1
        return Sending(part: part, attempt: attempt, bytes: bytes)
    }

    /// A grant is a number from the network: it may raise credit to the most there is, and not beyond.
    private mutating func addCredit(_ bytes: UInt64) { creditBytes = saturatingSum(creditBytes, Int(clamping: bytes)) }
}

private func saturatingSum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
}
