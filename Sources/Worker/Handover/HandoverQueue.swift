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

        var bytes: Int { rows * rowBytes }
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
    /// Messages that have not begun.
    private var uncut: ArraySlice<Message> = []
    private var waiting: ArraySlice<Item> = []
    /// Pieces come last: all of them go again with every session.
    private var hasBegunPieces = false
    private var sent: [Key: Sent] = [:]
    private var isWelcome = false
    /// Messages that the other worker has had when it began the session.
    private var settled = SequenceSet()

    /// Bytes that may be sent now.
    private(set) var creditBytes = 0
    /// Items that are with the other worker.
    private(set) var doneCount = 0
    private(set) var itemCount = 0

    /// A part is no larger: one lost connection does not cost much.
    static let partBytes = 1 << 20
    /// A message of more is not cut into smaller parts, as long as credit may come back that is on its way.
    static let leastPartBytes = 64 << 10
    /// More could be lost in a full queue of answers.
    static let mostSent = 32
    static let pause = Duration.seconds(1)
    static let mostAttempts: UInt32 = 5

    init(messages: [Message], pieces: [Int]) {
        self.messages = messages
        self.pieces = pieces
    }

    /// Whether everything is with the other worker.
    var isComplete: Bool { isWelcome && uncut.isEmpty && hasBegunPieces && waiting.isEmpty && sent.isEmpty }

    var isWaitingForAnswers: Bool { !sent.isEmpty }

    /// The other worker begins a session: everything goes that it does not have, files always.
    mutating func welcomed(_ welcome: Body.Welcome) {
        isWelcome = true
        creditBytes = Int(clamping: welcome.creditBytes)
        settled = SequenceSet(welcome.settled)
        uncut =
            messages.filter {
                !settled.contains(HandoverSequence.number(device: $0.device, sequence: $0.sequence))
            }[...]
        (waiting, sent, hasBegunPieces) = ([], [:], pieces.isEmpty)
        doneCount = messages.count - uncut.count
        itemCount = messages.count + pieces.count
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
        uncut.append(message)
    }

    /// How many messages there are, gone or not.
    var messageCount: Int { messages.count }

    /// The connection is lost: nothing is on its way, until the next welcome.
    mutating func disconnected() {
        isWelcome = false
        (uncut, waiting, sent, creditBytes) = ([], [], [:], 0)
    }

    /// The next thing to send now.
    mutating func next(now: Duration) -> (item: Item, attempt: UInt32)? {
        if let (key, due) = sent.first(where: { $0.value.again.map { $0 <= now } ?? false }) {
            sent[key] = Sent(item: due.item, attempt: due.attempt + 1, again: nil)
            return (due.item, due.attempt + 1)
        }
        guard isWelcome else { return nil }
        if waiting.isEmpty { cutNext() }
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
        let before = waiting.count + sent.count
        waiting.removeAll(where: isOf)
        for (key, value) in sent where isOf(value.item) {
            sent[key] = nil
            creditBytes += value.item.bytes
        }
        itemCount -= before - waiting.count - sent.count
    }

    /// The next message in parts of whole rows, as large as the credit of this moment allows; after the last one the pieces.
    private mutating func cutNext() {
        guard let message = uncut.first else {
            if !hasBegunPieces {
                waiting = pieces.enumerated().map { Item(origin: 0, sequence: UInt64($0 + 1), bytes: $1) }[...]
            }
            hasBegunPieces = true
            return
        }
        let isEnough = creditBytes >= min(message.bytes, max(Self.leastPartBytes, message.rowBytes))
        guard isEnough || sent.isEmpty && creditBytes >= message.rowBytes else { return }
        uncut.removeFirst()
        let rows = max(1, min(Self.partBytes, creditBytes) / max(1, message.rowBytes))
        let parts = max(1, (message.rows + rows - 1) / rows)
        itemCount += parts - 1
        waiting =
            (0..<parts).map { part in
                let range = Body.rows(ofPart: UInt32(part), of: UInt32(parts), rows: message.rows) ?? 0..<0
                return Item(
                    origin: message.device + 1, sequence: message.sequence, part: UInt32(part), parts: UInt32(parts),
                    bytes: range.count * message.rowBytes)
            }[...]
    }

    private static func key(_ item: Item) -> Key {
        Key(origin: item.origin, sequence: item.sequence, part: item.part)
    }

    private mutating func addCredit(_ bytes: UInt64) {
        let (sum, overflow) = creditBytes.addingReportingOverflow(Int(clamping: bytes))
        creditBytes = overflow ? .max : sum
    }
}
