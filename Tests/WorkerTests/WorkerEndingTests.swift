import Queueing
import Testing
import Wire

@testable import Worker

@Suite("Worker machine: stops, drains and hand-overs")
struct WorkerEndingTests {
    /// A worker in the middle of a step.
    private func training(staysUntilStopped: Bool = true) -> WorkerBench {
        var bench = WorkerBench(staysUntilStopped: staysUntilStopped)
        bench.plan()
        for device in ["a", "b"] { bench.greet(device) }
        bench.send("a", WorkerBench.message(1, Array(0..<8)))
        bench.send("b", WorkerBench.message(1, Array(0..<6)))
        return bench
    }

    private func finishes(_ bench: WorkerBench) -> [Bool] {
        bench.told.compactMap { if case .workerFinished(let finished) = $0 { finished.drained } else { nil } }
    }

    @Test("stop before the plan, and before any sample, ends the worker at once", arguments: [false, true])
    func stopEarly(isPlanned: Bool) {
        var bench = WorkerBench()
        if isPlanned { bench.plan() }
        bench.stop()
        #expect(bench.outcome == .stopped)
        bench.plan()
        #expect(bench.steps.isEmpty)
    }

    @Test("stop during a step ends the worker after the step, with a checkpoint, and no other begins")
    func stopInStep() {
        var bench = training()
        #expect(bench.isStepping)
        bench.stop()
        #expect(!bench.isFinished && bench.checkpoints == 0)
        bench.endStep()
        #expect(bench.outcome == .stopped && bench.steps.count == 1 && bench.checkpoints == 1)
        #expect(finishes(bench) == [false] && bench.told.last == .goodbye(reason: "stopped"))
    }

    @Test("a draining worker refuses new messages without counting it, and keeps every promise first")
    func drain() throws {
        var bench = training()
        bench.storesAtOnce = false
        bench.send("a", WorkerBench.message(2, [8]))
        bench.drain()
        #expect(bench.send("a", WorkerBench.message(3, [9])).map(\.rejection) == [56])
        #expect(bench.send("a", WorkerBench.message(1, Array(0..<8))).first?.acknowledges(1) == true)
        #expect(bench.greet("a").compactMap(\.welcome).map(\.creditBytes) == [0])
        bench.endStep()
        #expect(finishes(bench).isEmpty, "a message is still on its way to the store")
        try bench.store()
        #expect(bench.checkpoints == 1 && finishes(bench) == [true])
        #expect(bench.outcome == .drained, "nobody takes over")
        #expect(bench.deadLetters.isEmpty && bench.stored.count == 15)
    }

    @Test("a worker that its own process asks to leave waits for the coordinator's word, but not for ever")
    func asked() {
        for answer in [Body.Drain(), nil] {
            var bench = training()
            bench.ask()
            bench.endStep()
            #expect(finishes(bench) == [true] && !bench.isFinished)
            if let answer {
                bench.drain(answer)
            } else {
                for _ in 0..<7 { bench.tick() }
            }
            #expect(bench.outcome == .drained)
        }
        var twice = training()
        twice.ask()
        twice.endStep()
        twice.ask()
        #expect(twice.outcome == .drained)
    }

    @Test("a drained worker hands over when somebody takes over, and stays until it is told to stop")
    func handsOver() {
        var bench = training()
        bench.drain(Body.Drain(successor: "next", successorEndpoint: "tcp://next"))
        bench.endStep()
        #expect(bench.handover?.successor == "next" && !bench.isFinished)
        for _ in 0..<20 { bench.tick() }
        let before = bench.told.count
        bench.register()
        #expect(
            bench.told[before...].contains { if case .workerFinished(let told) = $0 { told.drained } else { false } })
        #expect(!bench.isFinished)
        bench.stop()
        #expect(bench.outcome == .drained)
    }

    @Test("what one worker has handed over is not taken for what another one hands over later")
    func anotherPredecessor() {
        var bench = WorkerBench(staysUntilStopped: true)
        bench.plan(WorkerBench.plan(10, 6, predecessor: "old"))
        bench.greet("old")
        bench.send("old", .finished(.init(messages: 0, samples: 0)))
        bench.endAdoption(step: 0)
        let told = bench.told.count
        bench.plan(WorkerBench.plan(10, 6, generation: 2, predecessor: "other"))
        #expect(bench.greet("other").compactMap(\.welcome).count == 1 && bench.forgottenPieces == 2)
        bench.send("other", .finished(.init(messages: 0, samples: 0)))
        #expect(bench.isAdopting && bench.told.count == told)
    }

    @Test("a successor takes messages from the one that hands over alone, and trains when the plan says so")
    func takesOver() {
        var bench = WorkerBench(staysUntilStopped: true)
        bench.plan(WorkerBench.plan(10, 6, predecessor: "old"))
        #expect(bench.greet("a") == [], "devices wait")
        #expect(bench.send("a", .heartbeat(time: 1)).map(\.rejection) == [12])
        let welcome = bench.greet("old").compactMap(\.welcome)
        #expect(welcome.map(\.settled) == [[]])
        #expect(bench.send("old", WorkerBench.message(1, Array(0..<10), origin: 1)).first?.acknowledges(1) == true)
        #expect(bench.send("old", WorkerBench.message(1, [0, 1, 2], origin: 2)).first?.acknowledges(1) == true)
        #expect(
            bench.send("old", WorkerBench.message(1, [0], origin: 3)).map(\.rejection) == [11],
            "there is no third device")
        #expect(bench.send("old", WorkerBench.message(1, [0])).map(\.rejection) == [6])
        // The connection was lost: what is here is in the welcome.
        let (first, second): (UInt64, UInt64) = (1 << 32 | 1, 2 << 32 | 1)
        #expect(bench.greet("old").compactMap(\.welcome).map(\.settled) == [[first...first, second...second]])
        bench.send("old", WorkerBench.message(2, [3, 4, 5], origin: 2))
        #expect(bench.counts == nil)
        bench.send("old", .finished(.init(messages: 3, samples: 16)))
        #expect(bench.isAdopting)
        // Its connection breaks once more: what is being adopted stays.
        let forgotten = bench.forgottenPieces
        #expect(bench.greet("old").compactMap(\.welcome).count == 1)
        bench.endAdoption(step: 0)
        bench.greet("old")
        #expect(forgotten == 2 && bench.forgottenPieces == 2)
        bench.send("old", .finished(.init(messages: 3, samples: 16)))
        let handedOver = Body.handedOver(.init(step: 0, messages: 3))
        #expect(bench.told == [handedOver, handedOver])
        bench.register()
        #expect(bench.told.last == handedOver)
        #expect(bench.counts == nil)

        bench.plan(WorkerBench.plan(10, 6, generation: 2))
        #expect(bench.counts == [10, 6] && bench.isStepping)
        #expect(
            bench.replies.last { $0.device == "a" }?.body.welcome?.settled == [1...1], "who waited is welcomed now")
        #expect(bench.send("old", WorkerBench.message(3, [0], origin: 1)).map(\.rejection) == [11])
    }
}
