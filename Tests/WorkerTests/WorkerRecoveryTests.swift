import Datasets
import Queueing
import Testing
import Wire

@testable import Worker

@Suite("Worker machine: plans, restarts, damage and full stores")
struct WorkerRecoveryTests {
    @Test("devices appear one after another: who is known may publish, the others wait, training waits for all")
    func growingPlan() {
        var bench = WorkerBench()
        bench.plan(WorkerBench.plan(10, 0))
        #expect(bench.greet("b") == [], "its count is not known yet")
        #expect(bench.greet("a").compactMap(\.welcome).count == 1)
        bench.send("a", WorkerBench.message(1, Array(0..<10)))
        #expect(bench.counts == nil && bench.stored.count == 10)
        bench.plan(WorkerBench.plan(10, 6, generation: 2))
        #expect(bench.replies.last?.device == "b" && bench.replies.last?.body.welcome != nil)
        #expect(bench.counts == [10, 6])
        bench.send("b", WorkerBench.message(1, Array(0..<6)))
        #expect(bench.steps.count == 1)
        #expect(bench.enrolled.map(\.generation) == [1, 2], "every plan may bring other keys")
    }

    @Test("a plan that is repeated or older changes nothing, one that contradicts is not heeded")
    func plans() {
        var bench = WorkerBench.greeted()
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
        let refused = bench.events.compactMap {
            if case .planRefused(let generation, _) = $0 { generation } else { nil }
        }
        #expect(refused == [2, 3, 4])
        #expect(bench.greet("z").map(\.rejection) == [11])
    }

    @Test("a device is welcomed with the credit that the plan has for it, or with the recipe's")
    func plannedCredit() {
        var bench = WorkerBench(creditBytesPerDevice: 1000)
        var plan = WorkerBench.plan(10, 6)
        plan.devices[0].creditBytes = 400
        bench.plan(plan)
        #expect(bench.greet("a").compactMap(\.welcome).map(\.creditBytes) == [400])
        #expect(bench.greet("b").compactMap(\.welcome).map(\.creditBytes) == [1000])
    }

    @Test("steps that a checkpoint has and the coordinator may not are told first, until they are recorded")
    func unrecorded() {
        let reports = (1...3).map { WorkerBench.report($0) }
        var bench = WorkerBench(startStep: 3, unrecorded: reports)
        bench.plan()
        #expect(bench.told == reports.map { .stepReport($0) })
        _ = bench.machine.recorded(step: 2)
        #expect(bench.machine.registered() == [.tell(.stepReport(reports[2]))])
    }

    @Test("a worker that is started again asks for nothing it has, and trains what an undisturbed one trains")
    func restart() {
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        var first = WorkerBench(store: store)
        first.plan()
        for device in ["a", "b"] { first.greet(device) }
        first.send("a", WorkerBench.message(1, [3, 1, 4]))
        first.send("a", WorkerBench.message(3, [0, 2]))
        first.send("b", WorkerBench.message(2, [5, 0], cut: 2))
        first.send("a", .activations(WorkerBench.activations(2, [5, 6, 7, 8, 9], part: 0, parts: 2)))

        var second = WorkerBench(startStep: 2, store: store)
        second.plan()
        #expect(second.greet("a").compactMap(\.welcome).map(\.settled) == [[1...1, 3...3]])
        #expect(second.greet("b").compactMap(\.welcome).map(\.settled) == [[2...2]])
        #expect(
            second.advancing == [[0, 5].map { SampleReference(device: 1, index: $0) }],
            "in one order, whatever order they came in")
        #expect(first.advancing == second.advancing)
        #expect(second.machine.queue(of: 0).samples == 5 && second.machine.queue(of: 0).messages == 2)
        for part: UInt32 in 0..<2 {
            second.send("a", .activations(WorkerBench.activations(2, [5, 6, 7, 8, 9], part: part, parts: 2)))
        }
        second.send("b", WorkerBench.message(1, [1, 2, 3, 4], cut: 4))
        second.finish()
        #expect(second.steps == Array(WorkerBench.planned()[2...]))
    }

    @Test("a damaged sample is asked for again, and the step waits for it; nothing else is")
    func damage() throws {
        var bench = WorkerBench.greeted()
        bench.publishAll()
        bench.endAdvance(at: 0)
        let victim = try #require(bench.steps.last?.first { $0.device == 0 })
        bench.damage(victim)
        #expect(bench.replies.last?.body.rejection == 12, "its device shall introduce itself")
        #expect(!bench.isStepping)
        #expect(bench.greet("a").compactMap(\.welcome).map(\.settled) == [[]])
        #expect(bench.stored.count == 6)
        bench.send("a", WorkerBench.message(1, Array(0..<10)))
        #expect(bench.isStepping)
        bench.finish()
        #expect(bench.steps == WorkerBench.planned())
    }

    @Test("a full store is not held against a message: it is refused, and taken when there is room")
    func full() throws {
        var bench = WorkerBench(endsWhenFull: false)
        bench.plan()
        bench.greet("a")
        bench.storesAtOnce = false
        for attempt: UInt32 in 1...9 {
            bench.send("a", WorkerBench.message(1, [0, 1]), attempt: attempt)
            try bench.store(failing: .diskFull(path: "disk", neededBytes: 16, reason: "full"))
            #expect(bench.replies.last?.body.rejection == 55)
        }
        #expect(bench.machine.isFull)
        #expect(bench.greet("a").compactMap(\.welcome).map(\.creditBytes) == [0], "credits have stopped")
        #expect(bench.failure == nil && bench.deadLetters.isEmpty)
        bench.tick(by: .seconds(6))
        #expect(bench.replies.last?.body == .credit(.init(bytes: 1000)), "credits return")
        bench.send("a", WorkerBench.message(1, [0, 1]))
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
        #expect(bench.send("a", WorkerBench.message(1, [0, 1])) == [.ack(.init(sequence: 1, creditBytes: 0))])
        #expect(bench.machine.ledger.grantedBytes(to: 0) == 84)
    }

    @Test("where the store cannot grow, a message without room ends the worker, but not within a step")
    func endsWhenFull() throws {
        var bench = WorkerBench(batch: 1)
        bench.plan()
        bench.greet("a")
        bench.greet("b")
        let first = WorkerBench.planned(batch: 1)[0][0]
        bench.send(first.device == 0 ? "a" : "b", WorkerBench.message(1, [UInt64(first.index)]))
        #expect(bench.isStepping)
        bench.storesAtOnce = false
        let other = UInt64(first.index == 0 ? 1 : 0)
        bench.send("a", WorkerBench.message(2, [other]))
        try bench.store(failing: .full(neededBytes: 8, freeBytes: 0))
        #expect(bench.failure == nil)
        bench.endStep()
        #expect(bench.failure == .full(neededBytes: 8, freeBytes: 0))
    }

    @Test("steps are told again after every registration until they are written down")
    func reports() {
        var bench = WorkerBench.greeted()
        bench.publishAll()
        bench.endAdvance(at: 0)
        for _ in 0..<3 { bench.endStep() }
        bench.record(step: 1)
        let before = bench.told.count
        bench.register()
        let again = bench.told[before...].compactMap {
            if case .stepReport(let report) = $0 { report.step } else { nil }
        }
        #expect(again == [2, 3])
    }

    @Test("the worker finishes after the last step of the last epoch, or stays until it is told to stop")
    func finishes() {
        for stays in [false, true] {
            var bench = WorkerBench(staysUntilStopped: stays)
            bench.plan()
            bench.greet("a")
            bench.greet("b")
            bench.publishAll()
            bench.finish()
            #expect(bench.steps == WorkerBench.planned() && bench.checkpoints == 1)
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
        bench.publishAll()
        bench.finish()
        #expect(bench.isFinished)
        #expect(bench.steps == Array(WorkerBench.planned()[startStep...]))
    }
}
