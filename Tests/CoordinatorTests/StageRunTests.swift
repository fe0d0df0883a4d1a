import Coordinator
import Dispatch
import Faults
import Ledger
import Methods
import Models
import Pipeline
import Queueing
import Synchronization
import Tensors
import Testing
import Wire
import Worker

/// Whole runs whose steps pass several workers, each a stage of consecutive blocks.
@Suite("Stages as workers", .serialized, .timeLimit(.minutes(4)))
struct StageRunTests {
    /// Four of its blocks train.
    private static let layers = 6
    private static let helpers = ["stage-a", "stage-b", "stage-c"]

    /// What one worker trains alone, of micro-batches of one sample: four in each step.
    private static let alone = Result {
        let run = try TinyRun(.simplest, TinyShards.planned, model: TinyModel(layers: layers))
        try run.startCoordinator()
        try run.startWorker { ($0.batch, $0.microBatch) = (TinyShards.batch, 1) }
        for (id, shard) in TinyShards.shards { try run.startDevice(id, examples: shard) }
        guard case .completed = try run.outcome() else { return [Float]() }
        return run.trainer.parameters.flat.values
    }

    /// A run whose leader waits at a gate.
    private final class Pipeline {
        var distributed: DistributedRun
        let gate: StepGate
        private let kind: ScheduleKind
        private let cuts: [Int]
        private let seconds: Double

        /// - Parameter seconds: what F of a block is said to take: decides how long a leader is patient.
        init(
            _ transport: Ground.Transport, stages: Int, _ kind: ScheduleKind, seconds: Double = 1, gateAfter step: Int
        ) throws {
            let gate = StepGate(after: step)
            self.gate = gate
            self.kind = kind
            self.seconds = seconds
            cuts = [[], [4], [3, 4], [3, 4, 5]][stages - 1]
            distributed = try DistributedRun(
                transport, gate: gate, workers: helpers, model: TinyModel(layers: layers)
            ) { $0.replicas = stages }
            try distributed.run.startCoordinator()
        }

        /// Makes what a worker trains with: any of them can lead.
        private func make(_ pool: ComputePool) -> @Sendable () throws -> Trainer {
            let model = distributed.run.model, bounds = [TinyModel.frozenBlocks] + cuts + [layers]
            let blocks = zip(bounds, bounds.dropFirst()).map { $0..<$1 }
            let costs = PipelineCosts(
                stages: blocks.map {
                    let seconds = seconds * Double($0.count)
                    return StageCosts(forward: seconds, backwardInput: seconds, backwardWeights: seconds / 10)
                })
            return { [kind] in
                Trainer(
                    model: model.model, head: try OutputHead(model: model.model, labelTokens: [3, 7]),
                    parameters: try TrainableParameters(layout: model.layout, model: model.model, seed: 5),
                    stages: blocks, schedule: { try Schedule.make(kind, costs: costs, microBatches: $0) },
                    optimizer: model.optimizer, schedule: model.rates, seed: 5, pool: pool, stageCosts: costs)
            }
        }

        func startLeader() throws {
            let pool = ComputePool(threads: cuts.count + 1)
            distributed.makeTrainer = make(pool)
            try distributed.startWorker { ($0.microBatch, $0.pool) = (1, pool) }
            #expect(distributed.run.events.waits { $0 == .registered(id: "worker", samples: nil) })
        }

        /// With the leader, and everything that steps need.
        func begin() throws {
            try startLeader()
            for id in ["strong", "weak"] { try distributed.startDevice(id) }
        }

        /// Starts a worker for a later stage.
        @discardableResult
        func start(_ id: String) throws -> (pool: ComputePool, training: TinyTraining) {
            let pool = ComputePool(threads: cuts.count + 1)
            let training = TinyTraining(
                distributed.run.model, folder: distributed.run.site.folder(of: id), gate: nil, make: make(pool))
            try distributed.run.startWorker(id) { options in
                (options.batch, options.microBatch, options.training) = (TinyShards.batch, 1, training.role)
                (options.heartbeatInterval, options.pool) = (.milliseconds(200), pool)
            }
            return (pool, training)
        }

        func waitsFor(_ id: String, from start: Int = 0) -> Bool {
            distributed.run.workerEvents.waits(from: start) { $0.event == .replicaArrived(id) }
        }

        /// Steps of which somebody walked a stage.
        func walked(_ id: String) -> Int {
            distributed.run.workerEvents.all.count {
                if $0.id == id, case .computed(_, 1...4) = $0.event { true } else { false }
            }
        }

        func gaveUp() -> [WorkerEvent] {
            distributed.run.workerEvents.all.map(\.event).filter {
                if case .stageGivenUp = $0 { true } else { false }
            }
        }

        func expectAlone(_ leader: TinyTraining? = nil) throws {
            guard case .completed(let totals) = try distributed.run.outcome() else {
                Issue.record("\(distributed.run.events.all)")
                return
            }
            #expect(totals.steps == UInt64(TinyShards.steps))
            #expect(try (leader ?? distributed.training).adapters == alone.get())
            try TinyShards.expectEverySampleOnce(in: try #require(try distributed.run.site.ledger(.reading)))
        }
    }

    private static let runs: [(stages: Int, transport: Ground.Transport, kind: ScheduleKind)] =
        ScheduleKind.allCases.flatMap { kind in (2...4).map { ($0, .tcp, kind) } }
        + (2...4).flatMap { [($0, .inproc, .zeroBubble1), ($0, .curve, .permafrost)] }

    @Test("two, three and four workers as stages train the same adapters, bit for bit", arguments: runs)
    func sameBits(stages: Int, transport: Ground.Transport, kind: ScheduleKind) throws {
        let pipeline = try Pipeline(transport, stages: stages, kind, gateAfter: 1)
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
        arguments: [(3, "stage-a"), (3, "stage-b"), (4, "stage-b")])
    func stageDies(stages: Int, victim: String) throws {
        let pipeline = try Pipeline(.tcp, stages: stages, .oneForwardOneBackward, seconds: 0.02, gateAfter: 4)
        try pipeline.begin()
        var pools: [String: ComputePool] = [:]
        for id in Self.helpers.prefix(stages - 1) { pools[id] = try pipeline.start(id).pool }
        for id in Self.helpers.prefix(stages - 1) { #expect(pipeline.waitsFor(id)) }
        #expect(pipeline.gate.holds())
        // It gets the order of the fifth step, and whatever comes from its neighbours, and does nothing.
        let way = DispatchSemaphore(value: 0), stall = try #require(pools[victim])
        for _ in 0..<stages { stall.submit { way.wait() } }
        pipeline.gate.open()
        let isGivenUp = pipeline.distributed.run.workerEvents.waits { $0.event == .stageGivenUp(step: 5, victim) }
        #expect(isGivenUp)
        #expect(pipeline.distributed.run.roles.kill(victim) { for _ in 0..<stages { way.signal() } })
        let before = pipeline.distributed.run.workerEvents.all.count
        try pipeline.start(victim)
        let isBack = pipeline.distributed.run.workerEvents.waits(from: before) {
            $0.id == victim && $0.event == .following(leader: "worker")
        }
        #expect(isBack)
        try pipeline.expectAlone()
    }

    @Test("a stage's worker that stands still is given up, and walks again once it goes on", arguments: [2, 3])
    func stageStalls(stages: Int) throws {
        let pipeline = try Pipeline(.tcp, stages: stages, .zeroBubble2, seconds: 0.02, gateAfter: 2)
        try pipeline.begin()
        let pool = try pipeline.start("stage-a").pool
        if stages > 2 { try pipeline.start("stage-b") }
        for id in Self.helpers.prefix(stages - 1) { #expect(pipeline.waitsFor(id)) }
        #expect(pipeline.gate.holds())
        let way = DispatchSemaphore(value: 0)
        for _ in 0..<stages { pool.submit { way.wait() } }
        pipeline.gate.open()
        #expect(
            pipeline.distributed.run.workerEvents.waits { $0.event == .stageGivenUp(step: 3, "stage-a") })
        for _ in 0..<stages { way.signal() }
        try pipeline.expectAlone()
    }

    @Test(
        "a leader that dies after any step goes on from its checkpoint, and its stages with it", arguments: [1, 8, 15])
    func leaderDies(step: Int) throws {
        let pipeline = try Pipeline(.tcp, stages: 3, .zeroBubble1, seconds: 0.02, gateAfter: step)
        try pipeline.begin()
        for id in Self.helpers.prefix(2) { try pipeline.start(id) }
        for id in Self.helpers.prefix(2) { #expect(pipeline.waitsFor(id)) }
        #expect(pipeline.gate.holds())
        #expect(pipeline.distributed.run.events.waits { $0.step?.step == UInt64(step) })
        #expect(pipeline.distributed.killWorker())
        try pipeline.startLeader()
        try pipeline.expectAlone()
        #expect(pipeline.walked("stage-a") > 0 && pipeline.walked("stage-b") > 0)
    }

    @Test("a leader that is drained hands over to a later stage, which leads the others")
    func handOver() throws {
        let pipeline = try Pipeline(.tcp, stages: 2, .gpipe, seconds: 0.02, gateAfter: 5)
        try pipeline.begin()
        #expect(pipeline.gate.holds())
        let successor = try pipeline.start("stage-a").training
        #expect(pipeline.waitsFor("stage-a"))
        let operations = try #require(try pipeline.distributed.run.site.ledger(.operations))
        try operations.orderDrain(of: "worker", run: "run")
        #expect(
            pipeline.distributed.run.events.waits {
                if case .draining("worker", "stage-a"?) = $0 { true } else { false }
            })
        try pipeline.start("stage-b")
        pipeline.gate.open()
        #expect(pipeline.distributed.run.events.waits { $0 == .handedOver(from: "worker", to: "stage-a") })
        try pipeline.expectAlone(successor)
        #expect(pipeline.walked("stage-b") > 0)
    }
}
