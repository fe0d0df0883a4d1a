import Queueing
import Wire

/// One side's memory of the messages between a device's program and the server's: which have arrived, and which have to
/// be sent, again if need be. Every message is delivered once and in order, whatever the connections between do.
///
/// Both directions have places: the number of a message, and its part. The receiver takes the part that it expects and no
/// other, and says after each what it expects next; the sender goes back to that place after every greeting, and when
/// nothing was acknowledged for too long.
public struct MethodExchange: Sendable {
    /// How messages go.
    public struct Settings: Sendable, Equatable {
        /// Payload bytes of a part, if the message has them. A connection lives on while one part is on its way.
        public var partBytes = Body.MethodPart.usualBytes
        /// Parts that may wait for their acknowledgement.
        public var windowParts = 32
        /// How long nothing is acknowledged until all of it is sent again.
        public var acknowledgementTimeout = Duration.seconds(30)
        /// How large a message may be.
        public var limits = WireLimits()

        /// The usual ones.
        public init() {}
    }

    /// What became of a part that has arrived.
    public enum Arrival: Sendable {
        /// It was the expected one.
        case part
        /// It was the last one of a message.
        case message(ReceivedMethodMessage)
        /// It is here already, or another comes first.
        case dropped
    }

    /// What is expected from the other side next.
    public private(set) var expected = Body.MethodPlace()
    /// Whether both sides know where they go on.
    public private(set) var isOpen = false

    let settings: Settings
    private let check: MethodCheck
    private var arriving: (message: ReceivedMethodMessage, parts: UInt32, words: Int)?
    /// Messages that are not acknowledged as a whole, by their numbers.
    private var outgoing: [(number: UInt64, message: OutgoingMethodMessage)] = []
    private var end = Body.MethodPlace()
    private var acknowledged = Body.MethodPlace()
    private var cursor = Body.MethodPlace()
    private var attempts: [Body.MethodPlace: UInt32] = [:]
    private var lastProgress = Duration.zero

    /// A conversation that has not begun.
    public init(_ settings: Settings = Settings()) {
        self.settings = settings
        check = MethodCheck(limits: settings.limits)
    }

    /// Whether everything that was to be sent has arrived on the other side.
    public var isDrained: Bool { outgoing.isEmpty }

    /// When `tick` next has something to do.
    public var due: Duration? { isOpen && acknowledged < cursor ? lastProgress + settings.acknowledgementTimeout : nil }

    /// Sends a message when its time has come.
    public mutating func send(_ message: OutgoingMethodMessage) {
        outgoing.append((end.number, message))
        end.number += 1
    }

    /// The other side says where it goes on. Said again on the same connection it is news of what has arrived and nothing
    /// else: on a slow link, going back each time would send a large message again and again.
    ///
    /// - Throws: `WireError` for a place to which nothing was sent.
    public mutating func opened(at place: Body.MethodPlace, now: Duration) throws(WireError) {
        try received(upTo: place, now: now)
        guard !isOpen else { return }
        isOpen = true
        cursor = acknowledged
        lastProgress = now
    }

    /// There is no connection.
    public mutating func closed() { isOpen = false }

    /// The other side has all parts before a place.
    ///
    /// - Throws: `WireError` for a place to which nothing was sent.
    public mutating func received(upTo place: Body.MethodPlace, now: Duration) throws(WireError) {
        guard place > acknowledged else { return }
        guard place == end || place.part < parts(of: place.number) ?? 0 else {
            throw .numberOutOfRange(name: "place", value: place.number)
        }
        acknowledged = place
        cursor = max(cursor, place)
        lastProgress = now
        outgoing.removeAll { $0.number < place.number }
        attempts = attempts.filter { $0.key >= place }
    }

    /// Goes back to what is not acknowledged when that takes too long.
    public mutating func tick(now: Duration) {
        guard let due, due <= now else { return }
        cursor = acknowledged
        lastProgress = now
    }

    /// What to send now; nil for nothing. It counts as sent with `sent`.
    public func next() -> (part: Body.MethodPart, payload: Frame?, attempt: UInt32)? {
        guard isOpen, cursor < end, attempts.count(where: { $0.key < cursor }) < settings.windowParts,
            let message = outgoing.first(where: { $0.number == cursor.number })?.message
        else { return nil }
        let (part, payload) = message.part(at: cursor, partBytes: settings.partBytes)
        return (part, payload, attempts[cursor, default: 0] + 1)
    }

    /// What `next` gave was taken by the connection.
    public mutating func sent(now: Duration) {
        if cursor == acknowledged { lastProgress = now }
        attempts[cursor, default: 0] += 1
        cursor.part += 1
        if cursor.part >= parts(of: cursor.number) ?? 0 { cursor = Body.MethodPlace(number: cursor.number + 1) }
    }

    /// Takes a part that has arrived, once it fits.
    ///
    /// - Throws: the first check that failed; the part is still expected.
    public mutating func take(_ part: Body.MethodPart, payloads: [Frame]) throws(WireError) -> Arrival {
        guard part.place == expected else { return .dropped }
        var (message, parts, words) = try beginning(part)
        guard parts == part.parts, let range = Body.rows(ofPart: part.place.part, of: part.parts, rows: words) else {
            throw .partOutOfRange(part: part.place.part, parts: part.parts, rows: UInt32(clamping: words))
        }
        try checkPayload(payloads, bytes: 4 * range.count, checksum: part.checksum)
        message.payloads += payloads
        guard part.place.part + 1 == parts else {
            arriving = (message, parts, words)
            expected.part += 1
            return .part
        }
        arriving = nil
        expected = Body.MethodPlace(number: expected.number + 1)
        return .message(message)
    }

    /// The message of a part, as far as it is there.
    private func beginning(
        _ part: Body.MethodPart
    ) throws(WireError) -> (ReceivedMethodMessage, parts: UInt32, words: Int) {
        if let arriving {
            guard part.content == nil else { throw .partsDiffer(sequence: part.place.number) }
            return arriving
        }
        guard let content = part.content else { throw .partsDiffer(sequence: part.place.number) }
        return (ReceivedMethodMessage(content: content, payloads: []), part.parts, try check.words(content))
    }

    private func checkPayload(_ payloads: [Frame], bytes: Int, checksum: UInt64) throws(WireError) {
        guard bytes > 0 || !payloads.isEmpty else { return }
        guard let payload = payloads.first else { throw .payloadMissing }
        guard payloads.count == 1 else { throw .tooManyFrames(found: payloads.count, expected: 1) }
        let limit = settings.limits.frameBytes
        guard payload.count <= limit else { throw .frameTooLarge(bytes: payload.count, limit: limit) }
        guard payload.count == bytes else { throw .wrongPayloadLength(bytes: payload.count, expected: bytes) }
        let computed = payload.withBytes { payloadChecksum($0) }
        guard computed == checksum else { throw .checksumMismatch(stated: checksum, computed: computed) }
    }

    private func parts(of number: UInt64) -> UInt32? {
        outgoing.first { $0.number == number }?.message.parts(partBytes: settings.partBytes)
    }
}
