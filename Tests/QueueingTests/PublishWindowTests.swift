import Diagnostics
import Testing
import Wire

@testable import Queueing

@Suite("Credit and acknowledgement, the device's side")
struct PublishWindowTests {
    private func window(credit: UInt64) -> PublishWindow {
        var window = PublishWindow(acknowledgementTimeout: .seconds(10), maximumAttempts: 3)
        window.granted(.init(bytes: credit))
        return window
    }

    @Test("messages are numbered from 1 and spend credit until there is none")
    func spending() {
        var window = window(credit: 250)
        #expect(window.canSend(bytes: 100))
        #expect(window.sent(bytes: 100, now: .zero) == .init(sequence: 1, attempt: 1, bytes: 100))
        #expect(window.sent(bytes: 150, now: .zero) == .init(sequence: 2, attempt: 1, bytes: 150))
        #expect(!window.canSend(bytes: 1))
        #expect(window.unacknowledgedCount == 2)
        #expect(window.messageCount == 2)
    }

    @Test("new messages wait for an old one that has no acknowledgement")
    func span() {
        var window = PublishWindow(acknowledgementTimeout: .seconds(10), maximumAttempts: 3, sequences: 3)
        window.granted(.init(bytes: 100))
        for sequence: UInt64 in 1...3 {
            #expect(window.canSend(bytes: 1))
            #expect(window.sent(bytes: 1, now: .zero).sequence == sequence)
        }
        _ = window.acknowledged(.init(sequence: 2, creditBytes: 1))
        #expect(!window.canSend(bytes: 1))
        _ = window.acknowledged(.init(sequence: 1, creditBytes: 1))
        #expect(window.canSend(bytes: 1))
    }

    @Test("only the first acknowledgement of a message brings credit")
    func idempotent() {
        var window = window(credit: 100)
        _ = window.sent(bytes: 100, now: .zero)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: 100)) == true)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: 100)) == false)
        #expect(window.acknowledged(.init(sequence: 2, creditBytes: 100)) == false)
        #expect(window.creditBytes == 100)
        #expect(window.unacknowledgedCount == 0)
    }

    @Test("a message without an answer is sent again after the time-out, free of charge, and then given up")
    func retransmission() {
        var window = window(credit: 100)
        _ = window.sent(bytes: 60, now: .zero)
        _ = window.sent(bytes: 40, now: .seconds(4))
        #expect(window.nextDeadline == .seconds(10))
        #expect(window.retransmissions(now: .seconds(9)) == [])
        #expect(window.retransmissions(now: .seconds(10)) == [.send(.init(sequence: 1, attempt: 2, bytes: 60))])
        #expect(window.creditBytes == 0)
        #expect(window.nextDeadline == .seconds(14))
        #expect(
            window.retransmissions(now: .seconds(20)) == [
                .send(.init(sequence: 1, attempt: 3, bytes: 60)), .send(.init(sequence: 2, attempt: 2, bytes: 40)),
            ])
        #expect(window.acknowledged(.init(sequence: 2, creditBytes: 40)) == true)
        let failure = PublishError.unacknowledged(sequence: 1, attempts: 3)
        #expect(window.retransmissions(now: .seconds(30)) == [.fail(failure)])
        #expect(failure.exitCode == .workerLost)
        #expect(window.retransmissions(now: .seconds(100)) == [])
        #expect(window.nextDeadline == nil)
    }

    @Test("a rejected message is sent again at once with the next attempt, then given up with the worker's reason")
    func rejection() {
        var window = window(credit: 100)
        _ = window.sent(bytes: 60, now: .zero)
        let reject = Body.Reject(sequence: 1, error: .payloadMissing)
        #expect(window.rejected(reject, now: .seconds(5)) == .send(.init(sequence: 1, attempt: 2, bytes: 60)))
        #expect(window.nextDeadline == .seconds(15))
        #expect(window.rejected(reject, now: .seconds(6)) == .send(.init(sequence: 1, attempt: 3, bytes: 60)))
        #expect(window.creditBytes == 40)
        let failure = PublishError.rejected(sequence: 1, attempts: 3, number: 20, text: reject.text)
        #expect(window.rejected(reject, now: .seconds(7)) == .fail(failure))
        #expect(failure.exitCode == .messageRejected)
        #expect(window.creditBytes == 100)
        #expect(window.rejected(reject, now: .seconds(8)) == .ignore)
    }

    @Test("a message that the worker has given up is not sent again, and the reason is that of its first refusal")
    func buried() {
        var window = window(credit: 100)
        _ = window.sent(bytes: 60, now: .zero)
        let first = Body.Reject(sequence: 1, error: .checksumMismatch(stated: 1, computed: 2))
        #expect(window.rejected(first, now: .zero) == .send(.init(sequence: 1, attempt: 2, bytes: 60)))
        let final = Body.Reject(sequence: 1, error: .deadLettered(sequence: 1))
        let failure = PublishError.rejected(sequence: 1, attempts: 2, number: first.number, text: first.text)
        #expect(window.rejected(final, now: .zero) == .fail(failure))
    }

    @Test("an absurd grant fills the budget and does not overflow it")
    func overflow() {
        var window = window(credit: .max)
        window.granted(.init(bytes: .max))
        #expect(window.creditBytes == .max)
        _ = window.sent(bytes: 10, now: .zero)
        #expect(window.acknowledged(.init(sequence: 1, creditBytes: .max)) == true)
        #expect(window.creditBytes == .max)
    }
}
