import Queueing
import Wire

/// What a worker has yet to hand over, and what of it is on its way: pure, the caller holds clock, store and files.
struct HandoverQueue {
    /// A message as a whole.
    struct Message: Equatable {
        let device: UInt32
        let sequence: UInt64
        let rows: Int
        let rowBytes: Int
    }

    /// Something that is sent and acknowledged for itself.
    struct Item: Hashable {
        /// The device's number plus 1; 0 for a piece of a file.
        let origin: UInt32
        let sequence: UInt64
        var part: UInt32 = 0
        var parts: UInt32 = 1
        let bytes: Int
    }

    private struct Key: Hashable {
        let origin: UInt32
        let sequence: UInt64
        let part: UInt32
    }

    private struct Sent {
        let item: Item
        var attempt: UInt32
        /// When it is to be sent again, after a refusal.
        var again: Duration?
    }

    private var messages: [Message]
    /// Bytes of the pieces, whose sequences count from 1.
    private let pieces: [Int]
    private var waiting: ArraySlice<Item> = []
    private var sent: [Key: Sent] = [:]
    private var isWelcome = false
    private var partBytes = HandoverQueue.partBytes
    /// Messages that the other worker has had when it began the session.
    private var settled = SequenceSet()

    /// Bytes that may be sent now.
    private(set) var creditBytes = 0
    /// Items that are with the other worker.
    private(set) var doneCount = 0
    private(set) var itemCount = 0

    /// A part is no larger: one lost connection does not cost much.
    static let partBytes = 1 << 20
    /// More could be lost in a full queue of answers.
    static let mostSent = 32
    static let pause = Duration.seconds(1)
    static let mostAttempts: UInt32 = 5

    init(messages: [Message], pieces: [Int]) {
        self.messages = messages
        self.pieces = pieces
    }

    /// Whether everything is with the other worker.
    var isComplete: Bool { isWelcome && waiting.isEmpty && sent.isEmpty }

    var isWaitingForAnswers: Bool { !sent.isEmpty }

    /// The other worker begins a session: everything goes that it does not have, files always.
    mutating func welcomed(_ welcome: Body.Welcome) {
        isWelcome = true
        creditBytes = Int(clamping: welcome.creditBytes)
        settled = SequenceSet(welcome.settled)
        partBytes = min(Self.partBytes, max(1, creditBytes))
        let open = messages.filter {
            !settled.contains(HandoverSequence.number(device: $0.device, sequence: $0.sequence))
        }
        let parts = open.flatMap { self.parts(of: $0) }
        waiting =
            (parts + pieces.enumerated().map { Item(origin: 0, sequence: UInt64($0.offset + 1), bytes: $0.element) })[
                ...]
        sent = [:]
        doneCount = messages.count - open.count
        itemCount = doneCount + waiting.count
    }

    /// One more message is to go, which is not among those before.
    mutating func append(_ message: Message) {
        messages.append(message)
        guard isWelcome else { return }
        itemCount += 1
        guard !settled.contains(HandoverSequence.number(device: message.device, sequence: message.sequence)) else {
            doneCount += 1
            return
        }
        let parts = parts(of: message)
        itemCount += parts.count - 1
        waiting += parts
    }

    /// How many messages there are, gone or not.
    var messageCount: Int { messages.count }

    /// The connection is lost: nothing is on its way, until the next welcome.
    mutating func disconnected() {
        isWelcome = false
        (waiting, sent, creditBytes) = ([], [:], 0)
    }

    /// The next thing to send now.
    mutating func next(now: Duration) -> (item: Item, attempt: UInt32)? {
        if let (key, due) = sent.first(where: { $0.value.again.map { $0 <= now } ?? false }) {
            sent[key] = Sent(item: due.item, attempt: due.attempt + 1, again: nil)
            return (due.item, due.attempt + 1)
        }
        guard let item = waiting.first, item.bytes <= creditBytes, sent.count < Self.mostSent else { return nil }
        waiting.removeFirst()
        creditBytes -= item.bytes
        sent[Self.key(item)] = Sent(item: item, attempt: 1)
        return (item, 1)
    }

    mutating func granted(_ bytes: UInt64) { addCredit(bytes) }

    mutating func acknowledged(_ ack: Body.Ack) {
        guard sent.removeValue(forKey: Key(origin: ack.origin, sequence: ack.sequence, part: ack.part)) != nil else {
            return
        }
        doneCount += 1
        addCredit(ack.creditBytes)
    }

    /// Something was refused: it goes again later.
    ///
    /// - Returns: whether there is still hope.
    mutating func rejected(_ reject: Body.Reject, now: Duration) -> Bool {
        let key = Key(origin: reject.origin, sequence: reject.sequence, part: reject.part)
        guard let refused = sent[key] else { return true }
        let isPassing = WireError.passingNumbers.contains(reject.number)
        guard isPassing || refused.attempt < Self.mostAttempts else { return false }
        sent[key]?.again = now + Self.pause
        return true
    }

    /// A message cannot be read any more: its device has to send it to the other worker itself.
    mutating func skip(device: UInt32, sequence: UInt64) {
        let isOf = { (item: Item) in item.origin == device + 1 && item.sequence == sequence }
        waiting.removeAll(where: isOf)
        for (key, value) in sent where isOf(value.item) {
            sent[key] = nil
            creditBytes += value.item.bytes
        }
    }

    /// A message in parts of whole rows, of at most `partBytes` when a row is no larger.
    private func parts(of message: Message) -> [Item] {
        let rows = max(1, partBytes / max(1, message.rowBytes))
        let parts = max(1, (message.rows + rows - 1) / rows)
        return (0..<parts).map { part in
            let range = Body.rows(ofPart: UInt32(part), of: UInt32(parts), rows: message.rows) ?? 0..<0
            return Item(
                origin: message.device + 1, sequence: message.sequence, part: UInt32(part), parts: UInt32(parts),
                bytes: range.count * message.rowBytes)
        }
    }

    private static func key(_ item: Item) -> Key {
        Key(origin: item.origin, sequence: item.sequence, part: item.part)
    }

    private mutating func addCredit(_ bytes: UInt64) {
        let (sum, overflow) = creditBytes.addingReportingOverflow(Int(clamping: bytes))
        creditBytes = overflow ? .max : sum
    }
}
