import Randomness
import Testing
import Wire

@testable import Queueing

@Suite("Ingress")
struct IngressTests {
    private func ingress(window: Int = 8) -> Ingress {
        var ingress = Ingress(window: window, maximumRejections: 2, maximumDeadLetters: 2)
        ingress.expect("a")
        return ingress
    }

    @Test("a message is stored once and acknowledged again whenever it comes back")
    func duplicate() {
        var ingress = ingress()
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 1) == .store)
        ingress.stored(from: "a", sequence: 1)
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 1) == .acknowledgeAgain)
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 2) == .acknowledgeAgain)
        #expect(ingress.counts.received == 3)
        #expect(ingress.counts.applied == 1)
        #expect(ingress.counts.duplicate == 2)
        #expect(ingress.counts.redelivered == 1)
    }

    @Test("a copy that comes while the first is on its way to the store is dropped, not acknowledged")
    func pending() {
        var ingress = ingress()
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 1) == .store)
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 2) == .wait)
        #expect(ingress.counts.duplicate == 1)
    }

    @Test("two devices have sequences of their own, and a stranger has none")
    func senders() {
        var ingress = ingress()
        ingress.expect("b")
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 1) == .store)
        #expect(ingress.arrived(from: "b", sequence: 1, attempt: 1) == .store)
        #expect(ingress.arrived(from: "c", sequence: 1, attempt: 1) == .reject(.unknownSender("c")))
        #expect(ingress.counts.rejected == [11: 1])
    }

    @Test("sequences beyond the window, and sequence 0, are refused and leave nothing behind")
    func window() {
        var ingress = ingress(window: 4)
        for sequence: UInt64 in [0, 5, .max] {
            #expect(
                ingress.arrived(from: "a", sequence: sequence, attempt: 1)
                    == .reject(.sequenceOutOfRange(sequence: sequence, samples: 4)))
        }
        #expect(ingress.arrived(from: "a", sequence: 4, attempt: 1) == .store)
        ingress.stored(from: "a", sequence: 4)
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 1) == .store)
        ingress.stored(from: "a", sequence: 1)
        #expect(ingress.arrived(from: "a", sequence: 5, attempt: 1) == .store)
    }

    @Test("a rejected message is taken again with a later attempt only")
    func stale() {
        var ingress = ingress()
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 2) == .store)
        #expect(ingress.rejected(from: "a", sequence: 1, error: .payloadMissing) == false)
        for attempt: UInt32 in [1, 2] {
            #expect(
                ingress.arrived(from: "a", sequence: 1, attempt: attempt)
                    == .reject(.staleAttempt(attempt: attempt, latest: 2)))
        }
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 3) == .store)
        #expect(ingress.counts.rejected == [20: 1, 51: 2])
    }

    @Test("a message rejected too often is a dead letter: kept, never acknowledged, and the others go on")
    func deadLetter() {
        var ingress = ingress(window: 2)
        bury(1, in: &ingress)
        #expect(ingress.deadLetters == [.init(device: "a", sequence: 1, error: .noSamples)])
        #expect(ingress.counts.deadLettered == 1)
        for sequence: UInt64 in 2...6 {
            #expect(ingress.arrived(from: "a", sequence: sequence, attempt: 1) == .store)
            ingress.stored(from: "a", sequence: sequence)
        }
        #expect(ingress.arrived(from: "a", sequence: 1, attempt: 9) == .reject(.deadLettered(sequence: 1)))
    }

    @Test("a device with too many dead letters is refused, and others are not")
    func refusedSender() {
        var ingress = ingress()
        ingress.expect("b")
        bury(1, in: &ingress)
        bury(2, in: &ingress)
        #expect(ingress.arrived(from: "a", sequence: 3, attempt: 1) == .reject(.senderRefused(deadLetters: 2)))
        #expect(ingress.arrived(from: "b", sequence: 1, attempt: 1) == .store)
        #expect(ingress.deadLetters.count == 2)
    }

    @Test("an unreadable message is counted by its error")
    func unreadable() {
        var ingress = ingress()
        ingress.unreadable(.malformedHeader(bytes: 3))
        #expect(ingress.counts.received == 1)
        #expect(ingress.counts.rejected == [3: 1])
    }

    @Test("in any order, with losses and repetitions, every message is applied exactly once")
    func exactlyOnce() {
        let seed: UInt64 = 47
        var chance = SeededGenerator(seed: seed, stream: "ingress")
        var ingress = ingress(window: 16)
        var applied: [UInt64] = []
        var unacknowledged: [UInt64: UInt32] = [:]
        var next: UInt64 = 1
        while next <= 500 || !unacknowledged.isEmpty {
            if unacknowledged.count < 8, next <= 500, next - (unacknowledged.keys.min() ?? next) < 16 {
                unacknowledged[next] = 0
                next += 1
            }
            let sequences = unacknowledged.keys.sorted()
            let sequence = sequences[Int.random(in: 0..<sequences.count, using: &chance)]
            // A lost message only counts up the attempt.
            unacknowledged[sequence]? += 1
            if chance.uniform() < 0.3 { continue }
            let attempt = unacknowledged[sequence] ?? 0
            let decision = ingress.arrived(from: "a", sequence: sequence, attempt: attempt)
            if decision == .store {
                applied.append(sequence)
                ingress.stored(from: "a", sequence: sequence)
            } else {
                #expect(decision == .acknowledgeAgain, "seed \(seed), sequence \(sequence)")
            }
            // A lost acknowledgement leaves the message to be sent again.
            if chance.uniform() < 0.7 { unacknowledged[sequence] = nil }
        }
        #expect(applied.sorted() == Array(1...500), "seed \(seed)")
        #expect(ingress.counts.duplicate > 0)
    }

    private func bury(_ sequence: UInt64, in ingress: inout Ingress) {
        #expect(ingress.arrived(from: "a", sequence: sequence, attempt: 1) == .store)
        #expect(ingress.rejected(from: "a", sequence: sequence, error: .payloadMissing) == false)
        #expect(ingress.arrived(from: "a", sequence: sequence, attempt: 2) == .store)
        #expect(ingress.rejected(from: "a", sequence: sequence, error: .noSamples) == true)
    }
}
