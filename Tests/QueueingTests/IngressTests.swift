import Randomness
import Testing
import Wire

@testable import Queueing

@Suite("Ingress")
struct IngressTests {
    private func ingress(samples: UInt64 = 8) -> Ingress {
        var ingress = Ingress(maximumRejections: 2, maximumDeadLetters: 2)
        ingress.expect(0, samples: samples)
        return ingress
    }

    private func part(_ sequence: UInt64, _ part: UInt32 = 0, of parts: UInt32 = 1, device: UInt32 = 0) -> MessagePart {
        MessagePart(device: device, sequence: sequence, part: part, parts: parts)
    }

    @Test("a message is stored once and acknowledged again whenever it comes back")
    func duplicate() {
        var ingress = ingress()
        #expect(ingress.arrived(part(1), attempt: 1) == .store)
        ingress.stored(part(1), isComplete: true)
        #expect(ingress.arrived(part(1), attempt: 1) == .acknowledgeAgain)
        #expect(ingress.arrived(part(1), attempt: 2) == .acknowledgeAgain)
        #expect(ingress.counts.received == 3 && ingress.counts.applied == 1)
        #expect(ingress.counts.duplicate == 2 && ingress.counts.redelivered == 1)
        #expect(ingress.counts(of: 0).counters == StoreCounters(redelivered: 1, duplicates: 2))
    }

    @Test("a copy that comes while the first is on its way to the store is dropped, not acknowledged")
    func pending() {
        var ingress = ingress()
        #expect(ingress.arrived(part(1), attempt: 1) == .store)
        #expect(ingress.arrived(part(1), attempt: 2) == .wait)
    }

    @Test("two devices have sequences of their own, and a stranger has none")
    func senders() {
        var ingress = ingress()
        ingress.expect(1, samples: 1)
        #expect(ingress.arrived(part(1), attempt: 1) == .store)
        #expect(ingress.arrived(part(1, device: 1), attempt: 1) == .store)
        guard case .reject(.unknownSender) = ingress.arrived(part(1, device: 2), attempt: 1) else {
            Issue.record("a stranger's message was taken")
            return
        }
        #expect(ingress.counts.rejected == [11: 1])
    }

    @Test("sequences beyond the samples, and sequence 0, are refused and leave nothing behind")
    func range() {
        var ingress = ingress(samples: 4)
        for sequence: UInt64 in [0, 5, .max] {
            #expect(
                ingress.arrived(part(sequence), attempt: 1)
                    == .reject(.sequenceOutOfRange(sequence: sequence, samples: 4)))
        }
        #expect(ingress.arrived(part(4), attempt: 1) == .store)
    }

    @Test("each part is stored and acknowledged for itself, and the message is settled with the last")
    func parts() {
        var ingress = ingress()
        for number: UInt32 in [2, 0, 1] {
            #expect(ingress.arrived(part(3, number, of: 3), attempt: 1) == .store)
            #expect(ingress.settled(of: 0).isEmpty)
            ingress.stored(part(3, number, of: 3), isComplete: number == 1)
            #expect(ingress.arrived(part(3, number, of: 3), attempt: 2) == .acknowledgeAgain)
        }
        #expect(ingress.settled(of: 0).ranges == [3...3])
    }

    @Test("parts of one message that contradict each other are refused, until the next introduction")
    func contradiction() {
        var ingress = ingress()
        #expect(ingress.arrived(part(1, 0, of: 2), attempt: 1, description: 7) == .store)
        #expect(ingress.arrived(part(1, 1, of: 3), attempt: 1, description: 7) == .drop, "the first is not stored yet")
        ingress.stored(part(1, 0, of: 2), isComplete: false)
        #expect(ingress.arrived(part(1, 1, of: 3), attempt: 1, description: 7) == .reject(.partsDiffer(sequence: 1)))
        #expect(ingress.arrived(part(1, 1, of: 2), attempt: 1, description: 8) == .reject(.partsDiffer(sequence: 1)))
        ingress.introduced(0)
        #expect(ingress.arrived(part(1, 0, of: 3), attempt: 1, description: 8) == .store)
    }

    @Test("after an introduction a message comes again from its first part, with attempts of its own")
    func introduction() {
        var ingress = ingress()
        #expect(ingress.arrived(part(1, 0, of: 2), attempt: 5) == .store)
        ingress.stored(part(1, 0, of: 2), isComplete: false)
        #expect(ingress.arrived(part(2), attempt: 5) == .store)
        ingress.rejected(part(2), error: .noSamples)
        #expect(ingress.arrived(part(3), attempt: 5) == .store)
        ingress.introduced(0)
        #expect(ingress.arrived(part(1, 0, of: 2), attempt: 1) == .store)
        #expect(ingress.arrived(part(2), attempt: 1) == .store)
        #expect(ingress.arrived(part(3), attempt: 1) == .wait, "it is still on its way to the store")
        #expect(ingress.rejected(part(2), error: .noSamples) == true, "refusals of the earlier session count")
    }

    @Test("a rejected message is taken again with a later attempt only")
    func stale() {
        var ingress = ingress()
        #expect(ingress.arrived(part(1), attempt: 2) == .store)
        #expect(ingress.rejected(part(1), error: .payloadMissing) == false)
        for attempt: UInt32 in [1, 2] {
            #expect(
                ingress.arrived(part(1), attempt: attempt) == .reject(.staleAttempt(attempt: attempt, latest: 2)))
        }
        #expect(ingress.arrived(part(1), attempt: 3) == .store)
        #expect(ingress.counts.rejected == [20: 1, 51: 2])
    }

    @Test("a message rejected too often is a dead letter, never acknowledged, and the others go on")
    func deadLetter() {
        var ingress = ingress()
        bury(1, in: &ingress)
        #expect(ingress.counts.deadLettered == 1 && ingress.counts(of: 0).dead == 1)
        for sequence: UInt64 in 2...6 { #expect(ingress.arrived(part(sequence), attempt: 1) == .store) }
        #expect(ingress.arrived(part(1), attempt: 9) == .reject(.deadLettered(sequence: 1)))
        ingress.introduced(0)
        #expect(ingress.arrived(part(1), attempt: 1) == .reject(.deadLettered(sequence: 1)))
    }

    @Test("a full store, a draining worker and missing credit are never held against a message")
    func passing() {
        var ingress = ingress()
        for attempt: UInt32 in 1...20 {
            #expect(ingress.arrived(part(1), attempt: attempt) == .store)
            let errors: [WireError] = [
                .draining, .storeFull(neededBytes: 9, freeBytes: 1), .creditExceeded(bytes: 9, available: 1),
            ]
            let error = errors[Int(attempt) % 3]
            #expect(ingress.rejected(part(1), error: error) == false)
        }
        #expect(ingress.arrived(part(1), attempt: 1) == .store, "the same attempt is as good")
    }

    @Test("a device with too many dead letters is refused, and others are not")
    func refusedSender() {
        var ingress = ingress()
        ingress.expect(1, samples: 1)
        bury(1, in: &ingress)
        bury(2, in: &ingress)
        #expect(ingress.arrived(part(3), attempt: 1) == .reject(.senderRefused(deadLetters: 2)))
        #expect(ingress.arrived(part(1, device: 1), attempt: 1) == .store)
    }

    @Test("what the store has of an earlier process is acknowledged, and its dead letters stay dead")
    func recalled() {
        var ingress = Ingress()
        ingress.expect(
            0, samples: 9, settled: SequenceSet([1...3, 7...7]), dead: [5], counters: StoreCounters(duplicates: 4))
        #expect(ingress.arrived(part(2), attempt: 1) == .acknowledgeAgain)
        #expect(ingress.arrived(part(5), attempt: 1) == .reject(.deadLettered(sequence: 5)))
        #expect(ingress.arrived(part(4), attempt: 1) == .store)
        #expect(ingress.counts(of: 0).counters.duplicates == 5)
    }

    @Test("a message that turned out to be damaged is taken once more")
    func unsettle() {
        var ingress = Ingress()
        ingress.expect(0, samples: 9, settled: SequenceSet([1...9]))
        for sequence: UInt64 in [1, 5, 9] {
            ingress.unsettle(sequence, of: 0)
            #expect(ingress.arrived(part(sequence), attempt: 1) == .store)
        }
        #expect(ingress.settled(of: 0).ranges == [2...4, 6...8])
    }

    @Test(
        "in any order, with losses, repetitions, parts and introductions, every part is applied once in effect",
        arguments: 0..<20 as Range<UInt64>)
    func exactlyOnce(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "ingress")
        let parts = (1...60).map { _ in UInt32.random(in: 1...3, using: &chance) }
        var ingress = ingress(samples: 60)
        /// What a store would have: it knows parts again.
        var stored: [UInt64: Set<UInt32>] = [:]
        var completed: [UInt64] = []
        var pending: [MessagePart] = []
        var attempt: UInt32 = 0
        for _ in 0..<20_000 where completed.count < 60 || !pending.isEmpty {
            attempt += 1
            switch Int.random(in: 0..<100, using: &chance) {
            case 0: ingress.introduced(0)
            case 1..<60:
                let sequence = UInt64.random(in: 1...60, using: &chance), count = parts[Int(sequence) - 1]
                let part = part(sequence, UInt32.random(in: 0..<count, using: &chance), of: count)
                switch ingress.arrived(part, attempt: attempt) {
                case .store:
                    #expect(!pending.contains(part) && !completed.contains(sequence), "seed \(seed)")
                    pending.append(part)
                case .acknowledgeAgain: #expect(stored[sequence]?.contains(part.part) == true, "seed \(seed)")
                case .wait: #expect(pending.contains(part), "seed \(seed)")
                case .drop, .reject: Issue.record("seed \(seed): an honest message was refused")
                }
            default:
                guard !pending.isEmpty else { continue }
                let part = pending.remove(at: Int.random(in: 0..<pending.count, using: &chance))
                if Int.random(in: 0..<5, using: &chance) == 0 {
                    ingress.rejected(part, error: .storeFull(neededBytes: 1, freeBytes: 0))
                    continue
                }
                let isNew = stored[part.sequence, default: []].insert(part.part).inserted
                let isComplete = isNew && stored[part.sequence]?.count == Int(part.parts)
                if isComplete { completed.append(part.sequence) }
                ingress.stored(part, isComplete: isComplete)
            }
        }
        #expect(completed.sorted() == Array(1...60), "seed \(seed)")
        #expect(ingress.settled(of: 0).ranges == [1...60], "seed \(seed)")
    }

    private func bury(_ sequence: UInt64, in ingress: inout Ingress) {
        #expect(ingress.arrived(part(sequence), attempt: 1) == .store)
        #expect(ingress.rejected(part(sequence), error: .payloadMissing) == false)
        #expect(ingress.arrived(part(sequence), attempt: 2) == .store)
        #expect(ingress.rejected(part(sequence), error: .noSamples) == true)
    }
}
