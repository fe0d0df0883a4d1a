import Queueing
import Randomness
import Testing
import Wire

@testable import Worker

@Suite("Answers that find no room")
struct OutboxTests {
    @Test("a burst of answers reaches a peer whole and in order, however small its queue", arguments: 1...5)
    func burst(room: Int) {
        var outbox = Outbox()
        var taken: [UInt64] = [], free = room
        func send(_ body: Body, _ payload: Frame?, _ session: UInt64, _ peer: String) -> Bool {
            guard free > 0, case .ack(let ack) = body else { return false }
            free -= 1
            taken.append(ack.sequence)
            return true
        }
        for sequence in UInt64(1)...100 {
            outbox.send(.ack(.init(sequence: sequence, creditBytes: 0)), session: 1, to: "d", now: .zero, by: send)
        }
        #expect(taken.count == room && !outbox.isEmpty)
        for _ in 0..<100 {
            free = room
            outbox.flush(now: .zero, by: send)
        }
        #expect(taken == Array(1...100) && outbox.isEmpty)
    }

    @Test("what waits for a peer that begins anew is dropped, but for what belongs to its new session")
    func newSession() {
        var outbox = Outbox()
        var taken: [UInt64] = [], isOpen = false
        func send(_ body: Body, _ payload: Frame?, _ session: UInt64, _ peer: String) -> Bool {
            if isOpen { taken.append(session) }
            return isOpen
        }
        for session in [1, 1, 2] as [UInt64] {
            outbox.send(.registerAgain, session: session, to: "r", now: .zero, by: send)
        }
        outbox.beginSession(2, of: "r")
        isOpen = true
        outbox.flush(now: .zero, by: send)
        #expect(taken == [2] && outbox.isEmpty)
        isOpen = false
        outbox.send(.registerAgain, session: 2, to: "r", now: .zero, by: send)
        outbox.beginSession(3, of: "r")
        #expect(outbox.isEmpty)
    }

    @Test("what a peer does not take for two seconds is dropped, and others are not kept from theirs")
    func gone() {
        var outbox = Outbox()
        var taken = 0
        func send(_ body: Body, _ payload: Frame?, _ session: UInt64, _ peer: String) -> Bool {
            if peer == "here" { taken += 1 }
            return peer == "here"
        }
        for peer in ["gone", "here"] {
            outbox.send(.registerAgain, session: 1, to: peer, now: .zero, by: send)
        }
        outbox.flush(now: .seconds(1), by: send)
        #expect(taken == 1 && !outbox.isEmpty)
        outbox.flush(now: .seconds(2), by: send)
        #expect(outbox.isEmpty)
    }
}
