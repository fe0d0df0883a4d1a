import Coordinator
import Dispatch
import Ledger
import Pipeline
import Tensors
import Testing
import Worker

/// Whole runs whose steps several pipelines share, each of several workers.
@Suite("Pipelines of workers", .serialized, .timeLimit(.minutes(5)))
struct PipelineRunTests {
    /// So many pipelines of so many stages, and who has which place when they come one after another.
    struct Shape: Sendable, CustomTestStringConvertible {
        let replicas: Int
        let stages: Int

        var testDescription: String { "\(replicas) × \(stages)" }

        var helpers: [String] { Array(StagedRun.helpers.prefix(replicas * stages - 1)) }
        /// The first stages of all pipelines but the leader's.
        var heads: [String] { Array(helpers.prefix(replicas - 1)) }
        var laterStages: [String] { Array(helpers.dropFirst(replicas - 1)) }

        /// Whom somebody gets its share of a step from.
        func leader(of id: String) -> String {
            guard let place = laterStages.firstIndex(of: id), place >= stages - 1 else { return "worker" }
            return heads[place / (stages - 1) - 1]
        }
    }

    static let shapes = [Shape(replicas: 2, stages: 2), .init(replicas: 2, stages: 3), .init(replicas: 3, stages: 2)]

    struct Case: Sendable, CustomTestStringConvertible {
        let shape: Shape
        let transport: Ground.Transport
        let kind: ScheduleKind
        let isFull: Bool

        var testDescription: String {
            "\(shape.testDescription), \(transport), \(kind.rawValue), \(isFull ? "full" : "adapters")"
        }
    }

    private static let cases =
        shapes.flatMap { shape in
            [ScheduleKind.zeroBubble1, .gpipe].flatMap { kind in
                [false, true].map { Case(shape: shape, transport: .inproc, kind: kind, isFull: $0) }
            }
        }
        + [Ground.Transport.tcp, .curve].map {
            Case(shape: shapes[0], transport: $0, kind: .permafrost, isFull: false)
        }

    /// Starts everybody, one after another, while the leader waits.
    private static func gather(_ run: StagedRun, _ shape: Shape) throws -> [String: ComputePool] {
        var pools: [String: ComputePool] = [:]
        for id in shape.helpers {
            pools[id] = try run.start(id).pool
            #expect(run.waits(until: id, follows: shape.leader(of: id)))
            #expect(run.waitsFor(id))
        }
        return pools
    }

    @Test("several pipelines of several workers train what one worker trains, bit for bit", arguments: cases)
    func sameBits(_ one: Case) throws {
        let run = try StagedRun(
            one.transport, replicas: one.shape.replicas, stages: one.shape.stages, one.kind, isFull: one.isFull,
            seconds: 60, gate: StepGate(after: 1, andEvery: true))
        try run.begin()
        #expect(run.gate.holds())
        _ = try Self.gather(run, one.shape)
        run.gate.letOne()
        // Where blocks train as a whole, there are two sums, and nothing for a third pipeline.
        let working = one.isFull ? 2 : one.shape.replicas
        let heads = one.shape.heads.prefix(working - 1)
        let laterStages = one.shape.laterStages.prefix(working * (one.shape.stages - 1))
        for id in heads + laterStages { #expect(run.waitsForWork(of: id), "\(id)") }
        #expect(run.gate.holds())
        run.gate.open()
        try run.expectAlone()
        #expect(run.gaveUp() == [])
    }

    @Test("a replica's later stage that dies within a step costs time and not a bit, and helps again when it is back")
    func laterStageDies() throws {
        let shape = Shape(replicas: 2, stages: 3), victim = shape.laterStages[3]
        let run = try StagedRun(
            .tcp, replicas: 2, stages: 3, .oneForwardOneBackward, seconds: 0.02, gate: StepGate(after: 4))
        try run.begin()
        #expect(run.gate.holds())
        let pools = try Self.gather(run, shape)
        // It gets its order, and whatever comes from its neighbours, and does nothing.
        let way = DispatchSemaphore(value: 0), stall = try #require(pools[victim])
        for _ in 0..<shape.stages { stall.submit { way.wait() } }
        run.gate.open()
        let head = shape.heads[0]
        let isGivenUp = run.run.workerEvents.waits {
            if $0.id == head, case .stageGivenUp(_, victim) = $0.event { true } else { false }
        }
        #expect(isGivenUp)
        #expect(run.run.roles.kill(victim) { for _ in 0..<shape.stages { way.signal() } })
        let before = run.run.workerEvents.all.count
        try run.start(victim)
        #expect(run.waits(until: victim, follows: head, from: before))
        try run.expectAlone()
    }

    @Test("the workers of a pipeline whose first stage dies get other places, and it another one when it is back")
    func headDies() throws {
        let shape = Shape(replicas: 2, stages: 3)
        let run = try StagedRun(
            .tcp, replicas: 2, stages: 3, .zeroBubble1, seconds: 60, gate: StepGate(after: 3, andEvery: true))
        try run.begin()
        #expect(run.gate.holds())
        _ = try Self.gather(run, shape)
        run.gate.letOne()
        #expect(run.gate.holds())
        let head = shape.heads[0], (second, third) = (shape.laterStages[2], shape.laterStages[3])
        #expect(run.run.roles.kill(head))
        var before = run.run.workerEvents.all.count
        // The least useful place is given up for the most useful one.
        #expect(run.waits(until: third, follows: "worker", from: before))
        #expect(run.waits(until: second, follows: third, from: before))
        run.gate.letOne()
        #expect(run.gate.holds())
        before = run.run.workerEvents.all.count
        try run.start(head)
        #expect(run.waits(until: head, follows: third, from: before))
        #expect(run.waitsFor(head, from: before))
        run.gate.letOne()
        for id in [second, third, head] { #expect(run.waitsForWork(of: id, from: before), "\(id)") }
        #expect(run.gate.holds())
        run.gate.open()
        try run.expectAlone()
    }

    @Test(
        "a leader that dies after any step goes on from its checkpoint, and all pipelines with it", arguments: [2, 11])
    func leaderDies(step: Int) throws {
        let shape = Shape(replicas: 2, stages: 2)
        let run = try StagedRun(.tcp, replicas: 2, stages: 2, .zeroBubble2, seconds: 0.02, gate: StepGate(after: step))
        try run.begin()
        #expect(run.gate.holds())
        _ = try Self.gather(run, shape)
        #expect(run.run.events.waits { $0.step?.step == UInt64(step) })
        #expect(run.distributed.killWorker())
        try run.startLeader()
        try run.expectAlone()
    }

    @Test("a run grows from one worker to pipelines of several, and back to one", arguments: shapes)
    func scale(shape: Shape) throws {
        let run = try StagedRun(
            .tcp, replicas: shape.replicas, stages: shape.stages, .permafrost, seconds: 60,
            gate: StepGate(after: 1, andEvery: true))
        func step() {
            run.gate.letOne()
            #expect(run.gate.holds())
        }
        try run.begin()
        #expect(run.gate.holds())
        step()
        _ = try Self.gather(run, shape)
        step()
        for id in shape.helpers { #expect(run.waitsForWork(of: id), "\(id)") }
        for _ in 0..<3 { step() }
        let operations = try #require(try run.run.site.ledger(.operations))
        for id in shape.helpers {
            try operations.orderDrain(of: id, run: "run")
            #expect(run.run.roles.hasEnded(id))
            step()
        }
        let before = run.run.workerEvents.all.count
        run.gate.open()
        try run.expectAlone()
        for id in shape.helpers { #expect(run.walked(id, from: before) == 0, "\(id)") }
    }
}
