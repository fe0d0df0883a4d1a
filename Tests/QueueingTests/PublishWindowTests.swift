import Diagnostics
import Testing
import Wire

@testable import Queueing

@Suite("Credit and acknowledgement, the device's side")
struct PublishWindowTests {
    private func window(credit: UInt64) -> PublishWindow {
        var window = PublishWindow(acknowledgementTimeout: .seconds(10), maximumAttempts: 3)
        window.opened(creditBytes: credit, now: .zero)
        return window
    }

    private func part(_ sequence: UInt64, _ index: UInt32 = 0) -> PublishWindow.Part {
        .init(sequence: sequence, index: index)
    }

    @Test("parts spend credit until there is none")
    func spending() {
        var window = window(credit: 250)
        #expect(window.canSend(bytes: 100))
        let sending = window.sent(part(1), bytes: 100, now: .zero)
        #expect(sending == .init(part: part(1), attempt: 1, bytes: 100))
        #expect(window.sent(part(1, 1), bytes: 150, now: .zero).attempt == 1)
        #expect(!window.canSend(bytes: 1))
        #expect(window.unacknowledgedCount == 2)
        #expect(window.bytesOnTheirWay == 250 && window.accountBytes == 250)
    }

    @Test("no more parts are on their way than are allowed, whatever the credit")
    func span() {
        var window = PublishWindow(acknowledgementTimeout: .seconds(10), maximumAttempts: 3, maximumParts: 2)
        window.opened(creditBytes: 100, now: .zero)
        for sequence: UInt64 in 1...2 {
            #expect(window.canSend(bytes: 1))
            _ = window.sent(part(sequence), bytes: 1, now: .zero)
        }
        #expect(!window.canSend(bytes: 1))
        _ = window.acknowledged(.init(sequence: 2, creditBytes: 1))
        #expect(window.canSend(bytes: 1))
    }

    @Test("only the first acknowledgement of a part brings credit")
    func idempotent() {
        var window = window(credit: 100)
        _ = window.sent(part(1, 2), bytes: 100, now: .zero)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: 100)) == nil)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: 100, part: 2, origin: 1)) == nil)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: 100, part: 2))?.bytes == 100)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: 100, part: 2)) == nil)
        #expect(window.creditBytes == 100)
        #expect(window.unacknowledgedCount == 0 && window.bytesOnTheirWay == 0)
    }

    @Test("when the worker says nothing for the time-out, everything is sent again, free of charge and without end")
    func silence() {
        var window = window(credit: 100)
        _ = window.sent(part(1), bytes: 60, now: .zero)
        _ = window.sent(part(2), bytes: 40, now: .seconds(4))
        #expect(window.nextDeadline == .seconds(10))
        #expect(window.retransmissions(now: .milliseconds(9999)) == [])
        #expect(
            window.retransmissions(now: .seconds(10)) == [.init(part: part(1), attempt: 2, bytes: 60)])
        #expect(window.creditBytes == 0)
        #expect(window.nextDeadline == .seconds(14))
        for round in 2...20 {
            let again = window.retransmissions(now: .seconds(10 * round))
            #expect(again.map(\.part) == [part(1), part(2)])
            #expect(again.map(\.attempt) == [UInt32(round) + 1, UInt32(round)])
        }
    }

    @Test("a slow link that still moves gets no second copy, however long a part is under way")
    func slowLink() {
        var window = window(credit: 1000)
        for sequence: UInt64 in 1...100 { _ = window.sent(part(sequence), bytes: 10, now: .zero) }
        for sequence: UInt64 in 1...100 {
            let now = Duration.seconds(9 * Int(sequence))
            #expect(window.retransmissions(now: now) == [])
            window.heard(now: now)
            _ = window.acknowledged(.init(sequence: sequence, creditBytes: 10))
        }
        #expect(window.unacknowledgedCount == 0)
    }

    @Test("a part that the worker has had for the time-out without an answer is sent again, although others move")
    func delivered() {
        var window = window(credit: 1000)
        _ = window.sent(part(1), bytes: 10, now: .seconds(1))
        _ = window.sent(part(2), bytes: 10, now: .seconds(3))
        window.heard(now: .seconds(5))
        window.answered(heartbeatSentAt: .seconds(2), now: .seconds(5))
        for second in 6..<15 {
            window.heard(now: .seconds(second))
            #expect(window.retransmissions(now: .seconds(second)) == [])
        }
        #expect(window.nextDeadline == .seconds(15))
        window.heard(now: .seconds(15))
        #expect(window.retransmissions(now: .seconds(15)).map(\.part) == [part(1)])
        // What was proved of the first copy says nothing of the second.
        window.heard(now: .seconds(24))
        #expect(window.retransmissions(now: .seconds(26)) == [])
    }

    @Test("a rejected part is sent again at once with the next attempt, then given up with the worker's first reason")
    func rejection() {
        var window = window(credit: 100)
        _ = window.sent(part(1), bytes: 60, now: .zero)
        let reject = Body.Reject(sequence: 1, error: .payloadMissing)
        #expect(
            window.rejected(reject, now: .seconds(5)) == .send(.init(part: part(1), attempt: 2, bytes: 60)))
        #expect(window.nextDeadline == .seconds(15))
        let later = Body.Reject(sequence: 1, error: .noSamples)
        #expect(window.rejected(later, now: .seconds(6)) == .send(.init(part: part(1), attempt: 3, bytes: 60)))
        #expect(window.creditBytes == 40)
        let failure = PublishError.rejected(sequence: 1, attempts: 3, number: 20, text: reject.text)
        #expect(window.rejected(reject, now: .seconds(7)) == .fail(failure))
        #expect(failure.exitCode == .messageRejected)
    }

    @Test("only refusals count towards giving up: neither silence nor sessions nor a worker without room")
    func attempts() {
        var window = window(credit: 100)
        for round in 0..<10 {
            window.opened(creditBytes: 100, now: .seconds(100 * round))
            let sending = window.sent(part(1), bytes: 60, now: .seconds(100 * round))
            #expect(sending.attempt == UInt32(3 * round) + 1)
            window.postponed(part(1), until: .seconds(100 * round + 2))
            #expect(!window.isMoving)
            #expect(window.nextDeadline == .seconds(100 * round + 2))
            #expect(window.retransmissions(now: .seconds(100 * round + 2)).count == 1)
            #expect(window.isMoving)
            #expect(window.retransmissions(now: .seconds(100 * round + 12)).count == 1)
        }
        let reject = Body.Reject(sequence: 1, error: .payloadMissing)
        for attempt: UInt32 in [31, 32] {
            #expect(
                window.rejected(reject, now: .seconds(2000))
                    == .send(.init(part: part(1), attempt: attempt, bytes: 60)))
        }
    }

    @Test("a message that the worker has given up is not sent again, and the reason is that of its first refusal")
    func buried() {
        var window = window(credit: 100)
        _ = window.sent(part(1), bytes: 60, now: .zero)
        let first = Body.Reject(sequence: 1, error: .checksumMismatch(stated: 1, computed: 2))
        #expect(window.rejected(first, now: .zero) == .send(.init(part: part(1), attempt: 2, bytes: 60)))
        let final = Body.Reject(sequence: 1, error: .deadLettered(sequence: 1))
        let failure = PublishError.rejected(sequence: 1, attempts: 2, number: first.number, text: first.text)
        #expect(window.rejected(final, now: .zero) == .fail(failure))
        #expect(window.rejected(.init(sequence: 7, error: .noSamples), now: .zero) == .ignore)
    }

    @Test("a new session voids credit and what is on its way, and goes on counting attempts")
    func sessions() {
        var window = window(credit: 100)
        _ = window.sent(part(1), bytes: 60, now: .zero)
        window.closed()
        #expect(!window.canSend(bytes: 1) && window.unacknowledgedCount == 0 && window.nextDeadline == nil)
        window.opened(creditBytes: 70, now: .seconds(50))
        #expect(window.creditBytes == 70)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: 60)) == nil)
        #expect(window.sent(part(1), bytes: 60, now: .seconds(50)).attempt == 2)
        #expect(window.nextDeadline == .seconds(60))
        _ = window.acknowledged(.init(sequence: 1, creditBytes: 60))
        window.forget(1)
        #expect(window.sent(part(1), bytes: 60, now: .seconds(50)).attempt == 1)
    }

    @Test("an absurd grant fills the budget and does not overflow it")
    func overflow() {
        var window = window(credit: .max)
        window.granted(.init(bytes: .max))
        #expect(window.creditBytes == .max && window.accountBytes == .max)
        _ = window.sent(part(1), bytes: 10, now: .zero)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: .max)) != nil)
        #expect(window.creditBytes == .max)
    }
}
