import Datasets
import Queueing
import Randomness
import Testing
import Wire

@testable import Worker

@Suite("Worker machine")
struct WorkerMachineTests {
    @Test("a greeting is answered with the device's credit and what is settled, a second one with a fresh account")
    func greeting() {
        var bench = WorkerBench()
        bench.plan()
        #expect(bench.greet("a") == [.welcome(.init(creditBytes: 1000, settled: []))])
        bench.send("a", WorkerBench.message(2, [0, 1]))
        #expect(bench.greet("a") == [.welcome(.init(creditBytes: 250, settled: [2...2]))])
        #expect(bench.replies.map(\.session) == [1, 1, 2], "answers have the session that they answer")
    }

    @Test("who has not introduced itself in a session is asked to, and nothing of the session is taken")
    func unknownSession() {
        var bench = WorkerBench.greeted()
        #expect(bench.send("a", WorkerBench.message(1, [0]), session: 9).map(\.rejection) == [12])
        #expect(bench.send("a", .heartbeat(time: 3), session: 9).map(\.rejection) == [12])
        #expect(bench.send("a", .heartbeat(time: 3)) == [.heartbeatReply(time: 3)])
        #expect(bench.stored.isEmpty)
    }

    @Test("a message is acknowledged only after it is stored, and a copy waits for the same acknowledgement")
    func acknowledgement() throws {
        var bench = WorkerBench.greeted()
        bench.storesAtOnce = false
        #expect(bench.send("a", WorkerBench.message(1, [0, 1])) == [])
        #expect(bench.send("a", WorkerBench.message(1, [0, 1]), attempt: 2) == [])
        try bench.store()
        #expect(bench.replies.last?.body == .ack(.init(sequence: 1, creditBytes: 16)))
        #expect(bench.writes.isEmpty && bench.machine.counts.duplicate == 1)
    }

    @Test("what an earlier session sent is acknowledged in the new one only when a copy came there")
    func acknowledgementOverSessions() throws {
        var bench = WorkerBench.greeted()
        bench.storesAtOnce = false
        for sequence: UInt64 in 1...2 {
            bench.send("a", WorkerBench.message(sequence, [sequence * 2, sequence * 2 + 1]))
        }
        let welcome = bench.greet("a").compactMap(\.welcome)
        #expect(welcome == [.init(creditBytes: 250, settled: [])])
        #expect(bench.send("a", WorkerBench.message(2, [4, 5])) == [])
        let before = bench.replies.count
        try bench.store()
        #expect(bench.replies.count == before, "the first one's session is over")
        try bench.store()
        #expect(bench.replies.last?.body == .ack(.init(sequence: 2, creditBytes: 16)))
        #expect(bench.replies.last?.session == 2)
        #expect(bench.send("a", WorkerBench.message(1, [2, 3])) == [.ack(.init(sequence: 1, creditBytes: 16))])
    }

    @Test("a repeated message is acknowledged again with its credit, and applied once")
    func duplicate() {
        var bench = WorkerBench.greeted()
        let ack = Body.ack(.init(sequence: 1, creditBytes: 16))
        #expect(bench.send("a", WorkerBench.message(1, [0, 1])) == [ack])
        #expect(bench.send("a", WorkerBench.message(1, [0, 1]), attempt: 2) == [ack])
        bench.greet("a")
        #expect(bench.send("a", WorkerBench.message(1, [0, 1])) == [ack])
        #expect(bench.machine.counts.applied == 1 && bench.machine.counts.duplicate == 2)
        #expect(bench.stored.count == 2)
    }

    @Test("parts are acknowledged one by one, and their samples train when all of them are there")
    func parts() {
        var bench = WorkerBench(epochs: 1, batch: 16)
        bench.plan()
        bench.greet("a")
        bench.greet("b")
        bench.send("b", WorkerBench.message(1, Array(0..<6), cut: 4))
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
        var bench = WorkerBench.greeted()
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
        var bench = WorkerBench.greeted(creditBytes: 16)
        bench.send("a", WorkerBench.message(1, [0, 1]))
        #expect(bench.send("a", WorkerBench.message(2, [1, 2])).map(\.rejection) == [41])
        #expect(
            bench.send("a", WorkerBench.message(2, [2, 3]), attempt: 2) == [.ack(.init(sequence: 2, creditBytes: 16))])
    }

    @Test("a stranger, an unreadable message and a message for another role are refused with their numbers")
    func strangers() {
        var bench = WorkerBench.greeted()
        #expect(bench.greet("c").map(\.rejection) == [11])
        #expect(bench.send("a", .runPlan(WorkerBench.plan)).map(\.rejection) == [6])
        #expect(bench.send("a", .activations(WorkerBench.activations(1, [0], origin: 2))).map(\.rejection) == [6])
        #expect(
            bench.machine.unreadable(.malformedHeader(bytes: 3), sender: "a")
                == [.reply(to: "a", session: 0, .reject(.init(sequence: 0, error: .malformedHeader(bytes: 3))))])
    }

    @Test("a device may not send more than its credit, and the next message is its own affair")
    func credit() {
        var bench = WorkerBench.greeted(creditBytes: 16)
        #expect(bench.send("a", WorkerBench.message(2, [0, 1, 2])).map(\.rejection) == [50])
        #expect(bench.send("a", WorkerBench.message(2, [0, 1]), attempt: 2).count == 1)
        #expect(bench.stored.count == 2)
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
}
