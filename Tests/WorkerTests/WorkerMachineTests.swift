import Datasets
import Queueing
import Randomness
import Testing
import Wire

@testable import Worker

@Suite("Worker machine")
struct WorkerMachineTests {
    private func bench(creditBytes: Int = 1000) -> WorkerBench {
        var bench = WorkerBench(creditBytesPerDevice: creditBytes)
        bench.plan()
        return bench
    }

    @Test("a greeting is answered with the device's credit, a second one with nothing more")
    func greeting() {
        var bench = bench()
        #expect(bench.send("a", .hello(.init(samples: 10))) == [.credit(.init(bytes: 1000))])
        #expect(bench.send("a", .hello(.init(samples: 10))) == [.credit(.init(bytes: 0))])
        #expect(bench.send("b", .hello(.init(samples: 6))) == [.credit(.init(bytes: 1000))])
    }

    @Test("a message is acknowledged only after it is stored")
    func acknowledgement() {
        var machine = WorkerMachine(
            WorkerMachine.Settings(
                epochs: 1, batch: 16, frozenBlocks: 4, creditBytesPerDevice: 100, advanceLimit: 1))
        _ = machine.planned(WorkerBench.plan)
        let message = WorkerBench.activations(1, [0, 1])
        let envelope = Envelope(run: "run", sender: "a", body: .activations(message))
        #expect(machine.received(envelope) == [.checkAndStore(device: "a", number: 0, message)])
        // A copy that overtakes the store is not acknowledged either.
        #expect(machine.received(envelope) == [])
    }

    @Test("a repeated message is acknowledged again with its credit, and applied once")
    func duplicate() {
        var bench = bench()
        bench.send("a", .hello(.init(samples: 10)))
        let message = Body.activations(WorkerBench.activations(1, [0, 1]))
        let ack = Body.ack(.init(sequence: 1, creditBytes: 16))
        #expect(bench.send("a", message) == [ack])
        #expect(bench.send("a", message) == [ack])
        #expect(bench.send("a", message, attempt: 2) == [ack])
        #expect(bench.machine.counts.applied == 1 && bench.machine.counts.duplicate == 2)
        #expect(bench.stored.count == 2)
    }

    @Test("a lying header is refused with its number, and is a dead letter the third time")
    func lies() {
        var bench = bench()
        bench.send("a", .hello(.init(samples: 10)))
        let lies: [(UInt32, (inout Body.Activations) -> Void)] = [
            (24, { $0.codec = 9 }), (36, { $0.columns = 3 }), (37, { $0.cut = 5 }),
            (23, { $0.rows = 7 }), (35, { $0.lengths[0] = 2 }), (33, { $0.lengths[0] = 0 }),
            (32, { $0.targetLengths = [] }), (38, { $0.sampleIDs = [1, 1] }), (39, { $0.sampleIDs = [1, 10] }),
            (40, { $0.targets[0] = 2 }), (25, { $0.checksum ^= 1 }), (43, { $0.targetLengths = [0, 2] }),
            (44, { $0.targets = [] }),
        ]
        for (sequence, (number, lie)) in zip(UInt64(1)..., lies) {
            for attempt: UInt32 in 1...4 {
                let answer = bench.send(
                    "a", .activations(WorkerBench.activations(sequence, [2, 3], change: lie)), attempt: attempt)
                #expect(answer.map(\.rejection) == [attempt == 4 ? 53 : number], "lie \(sequence)")
            }
        }
        #expect(bench.stored.isEmpty)
        #expect(bench.machine.counts.deadLettered == lies.count)
    }

    @Test("a sample that came in another message is refused, and the message's credit is not lost")
    func storedTwice() {
        var bench = bench(creditBytes: 16)
        bench.send("a", .hello(.init(samples: 10)))
        bench.send("a", .activations(WorkerBench.activations(1, [0, 1])))
        #expect(bench.send("a", .activations(WorkerBench.activations(2, [1, 2]))).map(\.rejection) == [41])
        #expect(
            bench.send("a", .activations(WorkerBench.activations(2, [2, 3])), attempt: 2)
                == [.ack(.init(sequence: 2, creditBytes: 16))])
    }

    @Test("a stranger, an unreadable message and a message for another role are refused with their numbers")
    func strangers() {
        var bench = bench()
        #expect(bench.send("c", .hello(.init(samples: 1))).map(\.rejection) == [11])
        #expect(bench.send("c", .activations(WorkerBench.activations(1, [0]))).map(\.rejection) == [11])
        #expect(bench.send("a", .runPlan(WorkerBench.plan)).map(\.rejection) == [6])
        #expect(
            bench.machine.unreadable(.malformedHeader(bytes: 3), device: "a")
                == [.reply(device: "a", .reject(.init(sequence: 0, error: .malformedHeader(bytes: 3))))])
        #expect(bench.machine.unreadable(.malformedHeader(bytes: 3), device: nil).isEmpty)
        #expect(bench.machine.counts.rejected == [3: 2, 6: 1, 11: 2])
        #expect(bench.stored.isEmpty)
    }

    @Test("a message beyond the device's credit is refused, and nobody else's credit pays for it")
    func credit() {
        var bench = bench(creditBytes: 16)
        #expect(bench.send("a", .activations(WorkerBench.activations(1, [0]))).map(\.rejection) == [50])
        bench.send("b", .hello(.init(samples: 6)))
        bench.send("a", .hello(.init(samples: 10)))
        #expect(bench.send("a", .activations(WorkerBench.activations(2, [0, 1, 2]))).map(\.rejection) == [50])
        #expect(bench.send("a", .activations(WorkerBench.activations(2, [0, 1])), attempt: 2).count == 1)
        #expect(bench.stored.count == 2)
    }

    @Test("a repeated plan changes nothing")
    func repeatedPlan() {
        var bench = bench()
        bench.send("a", .hello(.init(samples: 10)))
        bench.send("a", .activations(WorkerBench.activations(1, [0, 1])))
        bench.plan(Body.RunPlan(devices: [.init(device: "z", samples: 1, cut: 4)], seed: 1, generation: 2))
        #expect(bench.send("z", .hello(.init(samples: 1))).map(\.rejection) == [11])
        #expect(bench.send("a", .activations(WorkerBench.activations(1, [0, 1]))).count == 1)
        #expect(bench.stored.count == 2)
    }

    @Test("stop before the plan, and before any sample, ends the worker at once", arguments: [false, true])
    func stopEarly(isPlanned: Bool) {
        var bench = WorkerBench()
        if isPlanned { bench.plan() }
        bench.stop()
        #expect(bench.isFinished)
        bench.plan()
        bench.stop()
        #expect(bench.steps.isEmpty)
    }

    @Test("stop during a step ends the worker after the step, and no other begins")
    func stopInStep() {
        var bench = bench()
        publishAll(&bench)
        bench.endAdvance(at: 0)
        let isStepping = bench.isStepping
        #expect(isStepping)
        bench.stop()
        let isFinished = bench.isFinished
        #expect(!isFinished)
        bench.endStep()
        #expect(bench.isFinished && bench.steps.count == 1)
    }

    @Test("the worker finishes after the last step of the last epoch")
    func finish() {
        var bench = bench()
        publishAll(&bench)
        while bench.isStepping || !bench.advancing.isEmpty {
            if !bench.advancing.isEmpty { bench.endAdvance(at: 0) }
            bench.endStep()
        }
        #expect(bench.isFinished)
        #expect(bench.steps.count == 8)
        let counts = Dictionary(grouping: bench.steps.flatMap { $0 }, by: { $0 }).mapValues(\.count)
        #expect(counts.count == 16 && counts.values.allSatisfy { $0 == 2 })
    }

    @Test("a resumed worker takes the steps that are left, and none when none is left", arguments: 0...8)
    func resumed(startStep: Int) {
        var bench = WorkerBench(startStep: startStep)
        bench.plan()
        let isFinished = bench.isFinished
        #expect(isFinished == (startStep == 8))
        publishAll(&bench)
        while bench.isStepping || !bench.advancing.isEmpty {
            if !bench.advancing.isEmpty { bench.endAdvance(at: 0) }
            bench.endStep()
        }
        #expect(bench.isFinished)
        let planned = (1...2).flatMap {
            Batches.cut(SampleOrder.global(seed: 7, counts: [10, 6], epoch: $0), size: 4)
        }
        #expect(bench.steps == Array(planned[startStep...]))
    }

    private func publishAll(_ bench: inout WorkerBench) {
        bench.send("a", .hello(.init(samples: 10)))
        bench.send("b", .hello(.init(samples: 6)))
        bench.send("a", .activations(WorkerBench.activations(1, Array(0..<10))))
        bench.send("b", .activations(WorkerBench.activations(1, Array(0..<6), cut: 2)))
    }

    @Test("in a random walk of lies, repetitions and stops, no rule is ever broken", arguments: 0..<30)
    func randomWalk(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "worker-walk")
        var bench = WorkerBench(epochs: 3, batch: 3, creditBytesPerDevice: 40)
        var attempts: [String: UInt32] = [:]
        for _ in 0..<3000 {
            let device = ["a", "b", "c"][Int.random(in: 0..<20, using: &chance) % 3]
            switch Int.random(in: 0..<1000, using: &chance) {
            case 0..<30: bench.plan()
            case 30..<130: bench.send(device, .hello(.init(samples: 1)))
            case 130..<600:
                let sequence = UInt64.random(in: 1...5, using: &chance)
                let isLie = Int.random(in: 0..<8, using: &chance) == 0
                attempts["\(device)\(sequence)", default: 0] += 1
                let message = WorkerBench.activations(
                    sequence, [2 * sequence - 2, 2 * sequence - 1], cut: device == "a" ? 4 : 2
                ) { if isLie { $0.checksum ^= 1 } }
                bench.send(
                    device, .activations(message),
                    attempt: attempts["\(device)\(sequence)"] ?? 1)
            case 600..<800: bench.endStep()
            case 800..<950:
                if !bench.advancing.isEmpty {
                    bench.endAdvance(at: Int.random(in: 0..<bench.advancing.count, using: &chance))
                }
            case 950..<951: bench.stop()
            default: bench.send(device, .finished(.init(messages: 1, samples: 1)))
            }
        }
        let trained = bench.steps.flatMap { $0 }
        let planned = (1...3).flatMap { SampleOrder.global(seed: 7, counts: [10, 6], epoch: $0) }
        #expect(trained == Array(planned.prefix(trained.count)), "seed \(seed)")
        #expect(bench.machine.counts.applied == bench.stored.count / 2, "seed \(seed)")
    }
}
