import Datasets
import Randomness
import Testing
import Wire

@testable import Device
@testable import Queueing

@Suite("Device machine")
struct DeviceMachineTests {
    @Test("an assignment makes the device join with the size of its shard and compute its first group at its cut")
    func join() {
        var bench = DeviceBench()
        let first = DeviceBench.plannedGroups(samples: 10, publishBatch: 3)[0]
        #expect(
            bench.assign() == [.join(endpoint: "inproc://worker", samples: 10), .compute(samples: first, cut: 2)])
    }

    @Test("a repeated assignment changes nothing, not even one with another cut")
    func repeatedAssignment() {
        var bench = DeviceBench()
        bench.assign()
        #expect(bench.assign().isEmpty)
        #expect(bench.handle(.assigned(DeviceBench.assignment(cut: 1))).isEmpty)
        bench.grant(1000)
        #expect(bench.finishComputing().contains { if case .compute(_, 2) = $0 { true } else { false } })
        #expect(bench.assign().isEmpty)
    }

    @Test("a device that has no part of the plan yet is not done, whatever credit it is given")
    func creditBeforeAssignment() {
        var bench = DeviceBench()
        #expect(bench.grant(1000).isEmpty)
        #expect(bench.assign().count == 2)
        #expect(bench.finishComputing().count == 2)
    }

    @Test(
        "whatever the order of credits and acks, each sample is published exactly once, in training order, within credit",
        arguments: 0..<40)
    func exactlyOnceInOrder(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "device-order")
        let samples = Int.random(in: 1...60, using: &chance), batch = Int.random(in: 1...7, using: &chance)
        var bench = DeviceBench(samples: samples, publishBatch: batch)
        bench.assign()
        bench.grant(batch * DeviceBench.bytesPerSample)
        for _ in 0..<3000 where bench.ending == nil {
            switch Int.random(in: 0..<10, using: &chance) {
            case 0..<3: bench.finishComputing()
            case 3..<5: bench.grant(Int.random(in: 0...100, using: &chance))
            case 5..<8:
                let sequences = bench.unacknowledged.keys.sorted()
                if let sequence = sequences.randomElement(using: &chance) { bench.acknowledge(sequence) }
            case 8: bench.acknowledge(UInt64.random(in: 0...70, using: &chance))
            default: bench.handle(.tick)
            }
        }
        let planned = DeviceBench.plannedGroups(samples: samples, publishBatch: batch)
        #expect(bench.published == planned, "seed \(seed)")
        #expect(bench.computed == planned, "seed \(seed)")
        #expect(bench.ending == .finish(messages: UInt64(planned.count), samples: samples), "seed \(seed)")
        #expect(bench.machine.sentSamples == samples, "seed \(seed)")
    }

    @Test("a device of a resumed run publishes the groups of the first epoch, as the present one needs them")
    func resumed() {
        var bench = DeviceBench()
        bench.assign(epoch: 3)
        bench.grant(1000)
        while bench.ending == nil {
            bench.finishComputing()
            for sequence in bench.unacknowledged.keys.sorted() { bench.acknowledge(sequence) }
        }
        let first = DeviceBench.plannedGroups(samples: 10, publishBatch: 3)
        #expect(bench.published != first && Set(bench.published) == Set(first))
        let order = SampleOrder.deviceOrder(seed: 7, device: 1, count: 10, epoch: 3)
        let needed = bench.published.map { group in order.firstIndex { group.contains($0) } ?? 0 }
        #expect(needed == needed.sorted() && needed[0] == 0)
        #expect(bench.machine.sentSamples == 10)
    }

    @Test("without credit one group is computed ahead and nothing is sent")
    func withoutCredit() {
        var bench = DeviceBench()
        bench.assign()
        #expect(bench.finishComputing().isEmpty)
        #expect(bench.handle(.tick).isEmpty)
        #expect(bench.computed.count == 1)
        #expect(bench.grant(3 * DeviceBench.bytesPerSample).count == 2)
        #expect(bench.finishComputing().isEmpty)
        #expect(bench.computed.count == 2 && bench.published.count == 1)
    }

    @Test("the device leaves only when the last acknowledgement is there")
    func lastAcknowledgement() {
        var bench = DeviceBench(samples: 6)
        bench.assign()
        bench.grant(1000)
        bench.finishComputing()
        bench.finishComputing()
        #expect(bench.published.count == 2 && bench.ending == nil)
        bench.acknowledge(2)
        #expect(bench.ending == nil)
        #expect(bench.acknowledge(1) == [.forget(sequence: 1), .finish(messages: 2, samples: 6)])
    }

    @Test("a message without an answer is sent again when its time is over, with the next attempt and no new charge")
    func retransmission() {
        var bench = DeviceBench(samples: 6)
        bench.assign()
        bench.grant(3 * DeviceBench.bytesPerSample)
        bench.finishComputing()
        bench.now = .milliseconds(29_999)
        #expect(bench.handle(.tick).isEmpty)
        #expect(bench.machine.nextDeadline == .seconds(30))
        bench.now = .seconds(30)
        #expect(bench.handle(.tick) == [.publish(.init(sequence: 1, attempt: 2, bytes: 192))])
        #expect(bench.handle(.tick).isEmpty)
        bench.now = .seconds(60)
        #expect(bench.handle(.tick) == [.publish(.init(sequence: 1, attempt: 3, bytes: 192))])
        bench.finishComputing()
        bench.acknowledge(1)
        #expect(bench.published.count == 2)
    }

    @Test("a worker that never answers is given up after the last attempt, with the message and its attempts")
    func unacknowledged() {
        var bench = DeviceBench(maximumAttempts: 3)
        bench.assign()
        bench.grant(1000)
        bench.finishComputing()
        for round in 1...3 {
            bench.now = .seconds(30 * round)
            bench.handle(.tick)
        }
        #expect(bench.sendings.map(\.attempt) == [1, 2, 3])
        #expect(bench.ending == .fail(.publishing(.unacknowledged(sequence: 1, attempts: 3))))
        #expect(bench.finishComputing().isEmpty)
    }

    @Test("a refused message is sent again at once, and given up with the worker's last words")
    func rejected() {
        var bench = DeviceBench(maximumAttempts: 3)
        bench.assign()
        bench.grant(1000)
        bench.finishComputing()
        let reject = Body.Reject(sequence: 1, error: .noSamples)
        #expect(bench.handle(.rejected(reject)) == [.publish(.init(sequence: 1, attempt: 2, bytes: 192))])
        #expect(bench.handle(.rejected(Body.Reject(sequence: 9, error: .noSamples))).isEmpty)
        bench.handle(.rejected(reject))
        bench.handle(.rejected(reject))
        #expect(
            bench.ending
                == .fail(.publishing(.rejected(sequence: 1, attempts: 3, number: 30, text: reject.text))))
    }

    @Test("a message larger than all credit fails with both sizes and the settings to change")
    func beyondCredit() throws {
        var bench = DeviceBench()
        bench.assign()
        bench.grant(191)
        bench.finishComputing()
        #expect(bench.ending == .fail(.device(.messageBeyondCredit(bytes: 192, creditBytes: 191))))
        guard case .fail(let failure) = bench.ending else { return }
        #expect(failure.error.remedy == "Raise devices.credit_bytes, or lower devices.publish_batch")
    }

    @Test("a message that only has to wait for others' credit does not fail")
    func waitsForCredit() {
        var bench = DeviceBench()
        bench.assign()
        bench.grant(200)
        bench.finishComputing()
        bench.finishComputing()
        #expect(bench.ending == nil && bench.published.count == 1)
        bench.acknowledge(1)
        #expect(bench.published.count == 2)
    }

    @Test("stop makes the device leave at once, before the plan and in the middle of it", arguments: [false, true])
    func stop(isAssigned: Bool) {
        var bench = DeviceBench()
        if isAssigned {
            bench.assign()
            bench.grant(1000)
            bench.finishComputing()
        }
        #expect(bench.handle(.stopped) == [.leave])
        #expect(bench.assign().isEmpty)
        #expect(bench.finishComputing().isEmpty)
        #expect(bench.acknowledge(1).isEmpty)
    }

    @Test("in a random walk of everything that can happen, no rule is ever broken", arguments: 0..<30)
    func randomWalk(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "device-walk")
        var bench = DeviceBench(samples: 400, publishBatch: 3, maximumAttempts: 40)
        for _ in 0..<4000 {
            bench.now += .milliseconds(Int.random(in: 0...400, using: &chance))
            let sequence = UInt64.random(in: 0...140, using: &chance)
            switch Int.random(in: 0..<1000, using: &chance) {
            case 0..<20: bench.assign()
            case 20..<300: bench.finishComputing()
            case 300..<400: bench.grant(Int.random(in: 192...400, using: &chance))
            case 400..<500: bench.acknowledge(sequence)
            case 500..<700: if let oldest = bench.unacknowledged.keys.min() { bench.acknowledge(oldest) }
            case 700..<750: bench.handle(.rejected(Body.Reject(sequence: sequence, error: .noSamples)))
            case 750..<751: bench.handle(.stopped)
            default: bench.handle(.tick)
            }
        }
        let planned = DeviceBench.plannedGroups(samples: 400, publishBatch: 3)
        #expect(bench.published == Array(planned.prefix(bench.published.count)), "seed \(seed)")
        #expect(bench.ending != nil, "seed \(seed)")
        if case .finish = bench.ending { #expect(bench.published.count == planned.count, "seed \(seed)") }
    }
}
