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
        bench.greet("a")
        bench.greet("b")
        return bench
    }

    private func message(_ sequence: UInt64, _ ids: [UInt64], cut: UInt32 = 4) -> Body {
        .activations(WorkerBench.activations(sequence, ids, cut: cut))
    }

    @Test("a greeting is answered with the device's credit and what is settled, a second one with a fresh account")
    func greeting() {
        var bench = WorkerBench()
        bench.plan()
        #expect(bench.greet("a") == [.welcome(.init(creditBytes: 1000, settled: []))])
        bench.send("a", message(2, [0, 1]))
        #expect(bench.greet("a") == [.welcome(.init(creditBytes: 1000, settled: [2...2]))])
        #expect(bench.replies.map(\.session) == [1, 1, 2], "answers have the session that they answer")
    }

    @Test("who has not introduced itself in a session is asked to, and nothing of the session is taken")
    func unknownSession() {
        var bench = bench()
        #expect(bench.send("a", message(1, [0]), session: 9).map(\.rejection) == [12])
        #expect(bench.send("a", .heartbeat(time: 3), session: 9).map(\.rejection) == [12])
        #expect(bench.send("a", .heartbeat(time: 3)) == [.heartbeatReply(time: 3)])
        #expect(bench.stored.isEmpty)
    }

    @Test("a message is acknowledged only after it is stored, and a copy waits for the same acknowledgement")
    func acknowledgement() throws {
        var bench = bench()
        bench.storesAtOnce = false
        #expect(bench.send("a", message(1, [0, 1])) == [])
        #expect(bench.send("a", message(1, [0, 1]), attempt: 2) == [])
        try bench.store()
        #expect(bench.replies.last?.body == .ack(.init(sequence: 1, creditBytes: 16)))
        #expect(bench.writes.isEmpty && bench.machine.counts.duplicate == 1)
    }

    @Test("what an earlier session sent is acknowledged in the new one only when a copy came there")
    func acknowledgementOverSessions() throws {
        var bench = bench()
        bench.storesAtOnce = false
        for sequence: UInt64 in 1...2 { bench.send("a", message(sequence, [sequence * 2, sequence * 2 + 1])) }
        let welcome = bench.greet("a").compactMap(\.welcome)
        #expect(welcome == [.init(creditBytes: 1000, settled: [])])
        #expect(bench.send("a", message(2, [4, 5])) == [])
        let before = bench.replies.count
        try bench.store()
        #expect(bench.replies.count == before, "the first one's session is over")
        try bench.store()
        #expect(bench.replies.last?.body == .ack(.init(sequence: 2, creditBytes: 16)))
        #expect(bench.replies.last?.session == 2)
        #expect(bench.send("a", message(1, [2, 3])) == [.ack(.init(sequence: 1, creditBytes: 16))])
    }

    @Test("a repeated message is acknowledged again with its credit, and applied once")
    func duplicate() {
        var bench = bench()
        let ack = Body.ack(.init(sequence: 1, creditBytes: 16))
        #expect(bench.send("a", message(1, [0, 1])) == [ack])
        #expect(bench.send("a", message(1, [0, 1]), attempt: 2) == [ack])
        bench.greet("a")
        #expect(bench.send("a", message(1, [0, 1])) == [ack])
        #expect(bench.machine.counts.applied == 1 && bench.machine.counts.duplicate == 2)
        #expect(bench.stored.count == 2)
    }

    @Test("parts are acknowledged one by one, and their samples train when all of them are there")
    func parts() {
        var bench = WorkerBench(epochs: 1, batch: 16)
        bench.plan()
        bench.greet("a")
        bench.greet("b")
        bench.send("b", message(1, Array(0..<6), cut: 4))
        for part: UInt32 in [2, 0, 1] {
            #expect(bench.stored.count == 6)
            let answer = bench.send(
                "a", .activations(WorkerBench.activations(1, Array(0..<10), part: part, parts: 3)))
            let bytes: UInt64 = part == 2 ? 16 : 32
            #expect(answer == [.ack(.init(sequence: 1, creditBytes: bytes, part: part))])
        }
        #expect(bench.steps.map(\.count) == [16])
    }

    @Test("a lying header is refused with its number, and is a dead letter the third time")
    func lies() {
        let lies: [(UInt32, (inout Body.Activations) -> Void)] = [
            (24, { $0.codec = 9 }), (36, { $0.columns = 3 }), (37, { $0.cut = 5 }),
            (45, { $0.parts = 7 }), (35, { $0.lengths[0] = 2 }), (33, { $0.lengths[0] = 0 }),
            (32, { $0.targetLengths = [] }), (38, { $0.sampleIDs = [1, 1] }), (39, { $0.sampleIDs = [1, 10] }),
            (40, { $0.targets[0] = 2 }),
        ]
        var bench = bench()
        for (sequence, (number, lie)) in zip(UInt64(1)..., lies) {
            for attempt: UInt32 in 1...4 {
                let answer = bench.send(
                    "a", .activations(WorkerBench.activations(sequence, [2, 3], change: lie)), attempt: attempt)
                #expect(answer.map(\.rejection) == [attempt == 4 ? 53 : number], "lie \(sequence)")
            }
        }
        #expect(bench.stored.isEmpty)
        #expect(bench.deadLetters.map(\.sequence) == Array(1...UInt64(lies.count)))
        #expect(bench.machine.queue(of: 0).dead == UInt64(lies.count))
    }

    @Test("a sample that came in another message is refused, and the message's credit is not lost")
    func storedTwice() {
        var bench = bench(creditBytes: 16)
        bench.send("a", message(1, [0, 1]))
        #expect(bench.send("a", message(2, [1, 2])).map(\.rejection) == [41])
        #expect(bench.send("a", message(2, [2, 3]), attempt: 2) == [.ack(.init(sequence: 2, creditBytes: 16))])
    }

    @Test("a stranger, an unreadable message and a message for another role are refused with their numbers")
    func strangers() {
        var bench = bench()
        #expect(bench.greet("c").map(\.rejection) == [11])
        #expect(bench.send("a", .runPlan(WorkerBench.plan)).map(\.rejection) == [6])
        #expect(bench.send("a", .activations(WorkerBench.activations(1, [0], origin: 2))).map(\.rejection) == [6])
        #expect(
            bench.machine.unreadable(.malformedHeader(bytes: 3), sender: "a")
                == [.reply(to: "a", session: 0, .reject(.init(sequence: 0, error: .malformedHeader(bytes: 3))))])
    }

    @Test("a device may not send more than its credit, and the next message is its own affair")
    func credit() {
        var bench = bench(creditBytes: 16)
        #expect(bench.send("a", message(2, [0, 1, 2])).map(\.rejection) == [50])
        #expect(bench.send("a", message(2, [0, 1]), attempt: 2).count == 1)
        #expect(bench.stored.count == 2)
    }

    @Test("devices appear one after another: who is known may publish, the others wait, training waits for all")
    func growingPlan() {
        var bench = WorkerBench()
        bench.plan(WorkerBench.plan(10, 0))
        #expect(bench.greet("b") == [], "its count is not known yet")
        #expect(bench.greet("a").compactMap(\.welcome).count == 1)
        bench.send("a", message(1, Array(0..<10)))
        #expect(bench.counts == nil && bench.stored.count == 10)
        bench.plan(WorkerBench.plan(10, 6, generation: 2))
        #expect(bench.replies.last?.device == "b" && bench.replies.last?.body.welcome != nil)
        #expect(bench.counts == [10, 6])
        bench.send("b", message(1, Array(0..<6)))
        #expect(bench.steps.count == 1)
        #expect(bench.enrolled.map(\.generation) == [1, 2], "every plan may bring other keys")
    }

    @Test("a plan that is repeated or older changes nothing, one that contradicts is not heeded")
    func plans() {
        var bench = bench()
        bench.plan()
        var other = WorkerBench.plan(11, 6, generation: 2)
        bench.plan(other)
        other = WorkerBench.plan(10, 6, generation: 3)
        other.devices[1].device = "z"
        bench.plan(other)
        other = WorkerBench.plan(10, 6, generation: 4)
        other.seed = 8
        bench.plan(other)
        #expect(bench.enrolled.count == 1)
        let refused = bench.events.compactMap { if case .planRefused(let generation, _) = $0 { generation } else { nil } }
        #expect(refused == [2, 3, 4])
        #expect(bench.greet("z").map(\.rejection) == [11])
    }

    @Test("a worker that is started again asks for nothing it has, and trains what an undisturbed one trains")
    func restart() {
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        var first = WorkerBench(store: store)
        first.plan()
        for device in ["a", "b"] { first.greet(device) }
        first.send("a", message(1, [3, 1, 4]))
        first.send("a", message(3, [0, 2]))
        first.send("b", message(2, [5, 0], cut: 2))
        first.send("a", .activations(WorkerBench.activations(2, [5, 6, 7, 8, 9], part: 0, parts: 2)))

        var second = WorkerBench(startStep: 2, store: store)
        second.plan()
        #expect(second.greet("a").compactMap(\.welcome).map(\.settled) == [[1...1, 3...3]])
        #expect(second.greet("b").compactMap(\.welcome).map(\.settled) == [[2...2]])
        #expect(
            second.advancing == [[0, 5].map { SampleReference(device: 1, index: $0) }],
            "in one order, whatever order they came in")
        #expect(second.machine.queue(of: 0).samples == 5 && second.machine.queue(of: 0).messages == 2)
        for part: UInt32 in 0..<2 {
            second.send("a", .activations(WorkerBench.activations(2, [5, 6, 7, 8, 9], part: part, parts: 2)))
        }
        second.send("b", message(1, [1, 2, 3, 4], cut: 4))
        finish(&second)
        #expect(second.steps == Array(planned[2...]))
    }

    @Test("a damaged sample is asked for again, and the step waits for it; nothing else is")
    func damage() throws {
        var bench = bench()
        publishAll(&bench)
        bench.endAdvance(at: 0)
        let victim = try #require(bench.steps.last?.first { $0.device == 0 })
        bench.damage(victim)
        #expect(bench.replies.last?.body.rejection == 12, "its device shall introduce itself")
        #expect(!bench.isStepping)
        #expect(bench.greet("a").compactMap(\.welcome).map(\.settled) == [[]])
        #expect(bench.stored.count == 6)
        bench.send("a", message(1, Array(0..<10)))
        #expect(bench.isStepping)
        finish(&bench)
        #expect(bench.steps == planned)
    }

    @Test("a full store is not held against a message: it is refused, and taken when there is room")
    func full() throws {
        var bench = WorkerBench(endsWhenFull: false)
        bench.plan()
        bench.greet("a")
        bench.storesAtOnce = false
        for attempt: UInt32 in 1...9 {
            bench.send("a", message(1, [0, 1]), attempt: attempt)
            try bench.store(failing: .diskFull(path: "disk", neededBytes: 16, reason: "full"))
            #expect(bench.replies.last?.body.rejection == 55)
        }
        #expect(bench.machine.isFull)
        #expect(bench.greet("a").compactMap(\.welcome).map(\.creditBytes) == [0], "credits have stopped")
        #expect(bench.failure == nil && bench.deadLetters.isEmpty)
        bench.tick(by: .seconds(6))
        #expect(bench.replies.last?.body == .credit(.init(bytes: 1000)), "credits return")
        bench.send("a", message(1, [0, 1]))
        try bench.store()
        #expect(bench.replies.last?.body == .ack(.init(sequence: 1, creditBytes: 16)))
    }

    @Test("credits never promise more than the store has room for")
    func room() {
        var bench = WorkerBench(
            endsWhenFull: false, store: MemoryActivationStore(capacityBytes: 100, codec: .f32))
        bench.plan()
        #expect(bench.greet("a").compactMap(\.welcome).map(\.creditBytes) == [100])
        // Two samples take 16 bytes of activations and 8 of targets.
        #expect(bench.send("a", message(1, [0, 1])) == [.ack(.init(sequence: 1, creditBytes: 0))])
        #expect(bench.machine.ledger.grantedBytes(to: 0) == 84)
    }

    @Test("where the store cannot grow, a message without room ends the worker, but not within a step")
    func endsWhenFull() throws {
        var bench = WorkerBench(batch: 1)
        bench.plan()
        bench.greet("a")
        bench.greet("b")
        let first = planned(batch: 1)[0][0]
        bench.send(first.device == 0 ? "a" : "b", message(1, [UInt64(first.index)]))
        #expect(bench.isStepping)
        bench.storesAtOnce = false
        let other = UInt64(first.index == 0 ? 1 : 0)
        bench.send("a", message(2, [other]))
        try bench.store(failing: .full(neededBytes: 8, freeBytes: 0))
        #expect(bench.failure == nil)
        bench.endStep()
        #expect(bench.failure == .full(neededBytes: 8, freeBytes: 0))
    }

    @Test("steps are told again after every registration until they are written down")
    func reports() {
        var bench = bench()
        publishAll(&bench)
        bench.endAdvance(at: 0)
        for _ in 0..<3 { bench.endStep() }
        bench.record(step: 1)
        let before = bench.told.count
        bench.register()
        let again = bench.told[before...].compactMap { if case .stepReport(let report) = $0 { report.step } else { nil } }
        #expect(again == [2, 3])
    }

    @Test("the worker finishes after the last step of the last epoch, or stays until it is told to stop")
    func finish() {
        for stays in [false, true] {
            var bench = WorkerBench(staysUntilStopped: stays)
            bench.plan()
            bench.greet("a")
            bench.greet("b")
            publishAll(&bench)
            finish(&bench)
            #expect(bench.steps == planned && bench.checkpoints == 1)
            #expect(bench.isFinished == !stays)
            if stays {
                #expect(bench.send("a", .heartbeat(time: 1)) == [.heartbeatReply(time: 1)])
                bench.stop()
            }
            #expect(bench.outcome == .completed)
            #expect(bench.told.last == .goodbye(reason: "completed"))
        }
    }

    @Test("a resumed worker takes the steps that are left, and none when none is left", arguments: 0...8)
    func resumed(startStep: Int) {
        var bench = WorkerBench(startStep: startStep)
        bench.plan()
        #expect(bench.isFinished == (startStep == 8))
        bench.greet("a")
        bench.greet("b")
        publishAll(&bench)
        finish(&bench)
        #expect(bench.isFinished)
        #expect(bench.steps == Array(planned[startStep...]))
    }

    @Test(
        "in a random walk of lies, repetitions, greetings, parts and full disks, no rule is ever broken",
        arguments: 0..<30)
    func randomWalk(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "worker-walk")
        var bench = WorkerBench(epochs: 3, batch: 3, creditBytesPerDevice: 40, endsWhenFull: false)
        bench.storesAtOnce = false
        var attempts: [UInt64: UInt32] = [:]
        for _ in 0..<4000 where !bench.isFinished {
            let device = ["a", "b", "c"][Int.random(in: 0..<20, using: &chance) % 3]
            switch Int.random(in: 0..<1000, using: &chance) {
            case 0..<30: bench.plan()
            case 30..<80: bench.greet(device)
            case 80..<90: bench.tick()
            case 90..<500:
                let sequence = UInt64.random(in: 1...5, using: &chance)
                let isLie = Int.random(in: 0..<40, using: &chance) == 0
                attempts[sequence, default: 0] += 1
                let parts = UInt32.random(in: 1...2, using: &chance)
                let message = WorkerBench.activations(
                    sequence, [2 * sequence - 2, 2 * sequence - 1], cut: device == "a" ? 4 : 2,
                    part: UInt32.random(in: 0..<parts, using: &chance), parts: parts
                ) { if isLie { $0.checksum ^= 1 } }
                bench.send(device, .activations(message), attempt: attempts[sequence] ?? 1)
            case 500..<700:
                guard !bench.writes.isEmpty else { continue }
                let fails = Int.random(in: 0..<10, using: &chance) == 0
                try bench.store(failing: fails ? .diskFull(path: "", neededBytes: 1, reason: "") : nil)
            case 700..<850: bench.endStep()
            case 850..<950:
                if !bench.advancing.isEmpty {
                    bench.endAdvance(at: Int.random(in: 0..<bench.advancing.count, using: &chance))
                }
            case 950..<951: bench.stop()
            default: bench.send(device, .finished(.init(messages: 1, samples: 1)))
            }
            #expect(bench.machine.ledger.committedBytes <= bench.machine.ledger.limitBytes)
        }
        let trained = bench.steps.flatMap { $0 }
        let planned = (1...3).flatMap { SampleOrder.global(seed: 7, counts: [10, 6], epoch: $0) }
        #expect(trained == Array(planned.prefix(trained.count)), "seed \(seed)")
        #expect(bench.machine.book.messageCount == bench.stored.count / 2, "seed \(seed)")
    }

    private var planned: [[SampleReference]] { planned(batch: 4) }

    private func planned(batch: Int) -> [[SampleReference]] {
        (1...2).flatMap { Batches.cut(SampleOrder.global(seed: 7, counts: [10, 6], epoch: $0), size: batch) }
    }

    private func publishAll(_ bench: inout WorkerBench) {
        bench.send("a", message(1, Array(0..<10)))
        bench.send("b", message(1, Array(0..<6), cut: 2))
    }

    private func finish(_ bench: inout WorkerBench) {
        while bench.isStepping || !bench.advancing.isEmpty {
            if !bench.advancing.isEmpty { bench.endAdvance(at: 0) }
            bench.endStep()
        }
    }
}
