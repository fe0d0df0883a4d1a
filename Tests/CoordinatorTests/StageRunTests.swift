import Coordinator
import Dispatch
import Ledger
import Pipeline
import Tensors
import Testing
import Wire
import Worker

/// Whole runs whose steps pass several workers, each a stage of consecutive blocks.
@Suite("Stages as workers", .serialized, .timeLimit(.minutes(4)))
struct StageRunTests {
    private static let helpers = StagedRun.helpers

    private static let runs: [(stages: Int, transport: Ground.Transport, kind: ScheduleKind)] =
        ScheduleKind.allCases.flatMap { kind in (2...4).map { ($0, .tcp, kind) } }
        + (2...4).flatMap { [($0, .inproc, .zeroBubble1), ($0, .curve, .permafrost)] }

    @Test("two, three and four workers as stages train the same adapters, bit for bit", arguments: runs)
    func sameBits(stages: Int, transport: Ground.Transport, kind: ScheduleKind) throws {
        let pipeline = try StagedRun(transport, stages: stages, kind, gate: StepGate(after: 1))
        try pipeline.begin()
        #expect(pipeline.gate.holds())
        for id in Self.helpers.prefix(stages - 1) {
            try pipeline.start(id)
            #expect(pipeline.waitsFor(id))
        }
        pipeline.gate.open()
        try pipeline.expectAlone()
        // The first step was taken before they came.
        for id in Self.helpers.prefix(stages - 1) { #expect(pipeline.walked(id) == TinyShards.steps - 1, "\(id)") }
        #expect(pipeline.gaveUp() == [])
    }

    @Test(
        "a stage's worker that dies within a step costs time and not a bit, and helps again when it is back",
        arguments: [(3, "helper-1"), (3, "helper-2"), (4, "helper-2")])
    func stageDies(stages: Int, victim: String) throws {
        let pipeline = try StagedRun(
            .tcp, stages: stages, .oneForwardOneBackward, seconds: 0.02, gate: StepGate(after: 4))
        try pipeline.begin()
        var pools: [String: ComputePool] = [:]
        for id in Self.helpers.prefix(stages - 1) { pools[id] = try pipeline.start(id).pool }
        for id in Self.helpers.prefix(stages - 1) { #expect(pipeline.waitsFor(id)) }
        #expect(pipeline.gate.holds())
        // It gets the order of the fifth step, and whatever comes from its neighbours, and does nothing.
        let way = DispatchSemaphore(value: 0), stall = try #require(pools[victim])
        for _ in 0..<stages { stall.submit { way.wait() } }
        pipeline.gate.open()
        let isGivenUp = pipeline.run.workerEvents.waits { $0.event == .stageGivenUp(step: 5, victim) }
        #expect(isGivenUp)
        #expect(pipeline.run.roles.kill(victim) { for _ in 0..<stages { way.signal() } })
        let before = pipeline.run.workerEvents.all.count
        try pipeline.start(victim)
        let isBack = pipeline.run.workerEvents.waits(from: before) {
            $0.id == victim && $0.event == .following(leader: "worker")
        }
        #expect(isBack)
        try pipeline.expectAlone()
    }

    @Test("a stage's worker that stands still is given up, and walks again once it goes on", arguments: [2, 3])
    func stageStalls(stages: Int) throws {
        let pipeline = try StagedRun(.tcp, stages: stages, .zeroBubble2, seconds: 0.02, gate: StepGate(after: 2))
        try pipeline.begin()
        let pool = try pipeline.start("helper-1").pool
        if stages > 2 { try pipeline.start("helper-2") }
        for id in Self.helpers.prefix(stages - 1) { #expect(pipeline.waitsFor(id)) }
        #expect(pipeline.gate.holds())
        let way = DispatchSemaphore(value: 0)
        for _ in 0..<stages { pool.submit { way.wait() } }
        pipeline.gate.open()
        #expect(
            pipeline.run.workerEvents.waits { $0.event == .stageGivenUp(step: 3, "helper-1") })
        for _ in 0..<stages { way.signal() }
        try pipeline.expectAlone()
    }

    @Test(
        "a leader that dies after any step goes on from its checkpoint, and its stages with it", arguments: [1, 8, 15])
    func leaderDies(step: Int) throws {
        let pipeline = try StagedRun(.tcp, stages: 3, .zeroBubble1, seconds: 0.02, gate: StepGate(after: step))
        try pipeline.begin()
        for id in Self.helpers.prefix(2) { try pipeline.start(id) }
        for id in Self.helpers.prefix(2) { #expect(pipeline.waitsFor(id)) }
        #expect(pipeline.gate.holds())
        #expect(pipeline.run.events.waits { $0.step?.step == UInt64(step) })
        #expect(pipeline.distributed.killWorker())
        try pipeline.startLeader()
        try pipeline.expectAlone()
        #expect(pipeline.walked("helper-1") > 0 && pipeline.walked("helper-2") > 0)
    }

    @Test("a leader that is drained hands over to a later stage, which leads the others")
    func handOver() throws {
        let pipeline = try StagedRun(.tcp, stages: 2, .gpipe, seconds: 0.02, gate: StepGate(after: 5))
        try pipeline.begin()
        #expect(pipeline.gate.holds())
        let successor = try pipeline.start("helper-1").training
        #expect(pipeline.waitsFor("helper-1"))
        let operations = try #require(try pipeline.run.site.ledger(.operations))
        try operations.orderDrain(of: "worker", run: "run")
        #expect(
            pipeline.run.events.waits {
                if case .draining("worker", "helper-1"?) = $0 { true } else { false }
            })
        try pipeline.start("helper-2")
        pipeline.gate.open()
        #expect(pipeline.run.events.waits { $0 == .handedOver(from: "worker", to: "helper-1") })
        try pipeline.expectAlone(successor)
        #expect(pipeline.walked("helper-2") > 0)
    }
}
