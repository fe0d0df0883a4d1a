import Queueing
import Randomness
import Testing
import Wire

@testable import Device

/// A worker that does by the contract what it can, over a link that loses everything at any moment: the other side of a
/// random walk.
struct SimulatedWorker {
    private struct Message {
        let session: Int
        let content: Content
    }

    private enum Content {
        case hello
        case part(PublishWindow.Sending, of: UInt32)
    }

    /// Whole messages that are stored.
    private(set) var settled: Set<UInt64> = []
    /// How often a message became whole, minus how often it was lost.
    private(set) var applied: [UInt64: Int] = [:]
    private(set) var overspent = 0
    private(set) var isConnected = false
    private var stored: [UInt64: (parts: UInt32, indices: Set<UInt32>)] = [:]
    private var up: [Message] = []
    private var down: [(session: Int, event: DeviceMachine.Event)] = []
    /// Of the device.
    private var session = 0
    /// Of the newest Hello that arrived; nil since a restart.
    private var known: Int?
    private var credit = 0
    private var charged: Set<PublishWindow.Part> = []
    private var returned: Set<PublishWindow.Part> = []
    var chance: SeededGenerator

    init(seed: UInt64) { chance = SeededGenerator(seed: seed, stream: "simulated-worker") }

    mutating func connect() -> DeviceMachine.Event {
        isConnected = true
        session += 1
        return .workerConnected
    }

    mutating func disconnect() -> DeviceMachine.Event {
        isConnected = false
        (up, down) = ([], [])
        return .workerDisconnected
    }

    /// The worker is another process, with what is on the disk; it may have lost one message even there.
    mutating func restart(losing isLosing: Bool) -> DeviceMachine.Event {
        known = nil
        if isLosing, let sequence = settled.sorted().randomElement(using: &chance) {
            settled.remove(sequence)
            stored[sequence] = nil
            applied[sequence, default: 0] -= 1
        }
        return disconnect()
    }

    mutating func take(_ actions: [DeviceMachine.Action]) {
        for action in actions {
            switch action {
            case .hello(_, let isNewSession):
                if !isNewSession { session += 1 }
                if isConnected { up.append(Message(session: session, content: .hello)) }
            case .publish(let sending, let parts):
                if isConnected { up.append(Message(session: session, content: .part(sending, of: parts))) }
            default: break
            }
        }
    }

    /// The oldest answer on its way; nil when there is none of this session.
    mutating func nextAnswer(twice isTwice: Bool) -> [DeviceMachine.Event] {
        guard !down.isEmpty else { return [] }
        let (session, event) = down.removeFirst()
        return session == self.session ? Array(repeating: event, count: isTwice ? 2 : 1) : []
    }

    /// Loses the oldest answer alone.
    mutating func loseAnswer() { if !down.isEmpty { down.removeFirst() } }

    /// Handles the oldest message on its way.
    mutating func work(isMoody: Bool) {
        guard !up.isEmpty else { return }
        let message = up.removeFirst()
        switch message.content {
        case .hello:
            known = message.session
            let isPoor = isMoody && Int.random(in: 0..<5, using: &chance) == 0
            credit = isPoor ? 0 : Int.random(in: 32...800, using: &chance)
            (charged, returned) = ([], [])
            let ranges = settled.sorted().map { $0...$0 }
            answer(.welcomed(Body.Welcome(creditBytes: UInt64(credit), settled: ranges)), message.session)
        case .part(let sending, let parts):
            guard message.session == known else {
                let reject = Body.Reject(sequence: sending.part.sequence, error: .unknownSession)
                return answer(.rejected(reject), message.session)
            }
            take(sending, of: parts, isMoody: isMoody)
        }
    }

    private mutating func take(_ sending: PublishWindow.Sending, of parts: UInt32, isMoody: Bool) {
        let part = sending.part
        if charged.insert(part).inserted {
            credit -= sending.bytes
            if credit < 0 { overspent += 1 }
        }
        let mood = isMoody ? Int.random(in: 0..<10, using: &chance) : 9
        switch mood {
        case 0: refuse(part, .nonFiniteValue(row: 0, column: 0))
        case 1: refuse(part, .storeFull(neededBytes: 1, freeBytes: 0))
        case 2: break
        default:
            if !settled.contains(part.sequence) {
                if stored[part.sequence]?.parts != parts { stored[part.sequence] = (parts, []) }
                stored[part.sequence]?.indices.insert(part.index)
                if stored[part.sequence]?.indices.count == Int(parts) {
                    settled.insert(part.sequence)
                    applied[part.sequence, default: 0] += 1
                }
            }
            // The part's credit comes back with its first acknowledgement of the session.
            if returned.insert(part).inserted { credit += sending.bytes }
            answer(
                .acknowledged(
                    Body.Ack(sequence: part.sequence, creditBytes: UInt64(sending.bytes), part: part.index)),
                known ?? 0)
        }
    }

    private mutating func refuse(_ part: PublishWindow.Part, _ error: WireError) {
        answer(.rejected(.init(sequence: part.sequence, error: error, part: part.index)), known ?? 0)
    }

    private mutating func answer(_ event: DeviceMachine.Event, _ session: Int) {
        if isConnected { down.append((session, event)) }
    }
}
