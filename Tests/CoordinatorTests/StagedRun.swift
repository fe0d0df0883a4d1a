import Coordinator
import Ledger
import Methods
import Models
import Pipeline
import Tensors
import Testing
import Worker

/// A run whose steps pass several workers, each a stage of consecutive blocks, in one pipeline or more. Its leader waits at
/// a gate.
final class StagedRun {
    /// Four of its blocks train.
    private static let layers = 6
    static let helpers = (1...5).map { "helper-\($0)" }

    private static let adapters = Result { try trained(isFull: false) }
    private static let blocks = Result { try trained(isFull: true) }

    /// What one worker trains alone, of micro-batches of one sample: four in each step.
    private static func trained(isFull: Bool) throws -> [Float] {
        let model = try TinyModel(layers: layers, isFull: isFull)
        let run = try TinyRun(.simplest, TinyShards.planned, model: model)
        try run.startCoordinator()
        try run.startWorker { ($0.batch, $0.microBatch) = (TinyShards.batch, 1) }
        for (id, shard) in TinyShards.shards { try run.startDevice(id, examples: shard) }
        guard case .completed = try run.outcome() else { return [] }
        return run.trainer.parameters.flat.values
    }

    var distributed: DistributedRun
    let gate: StepGate
    private let kind: ScheduleKind
    private let cuts: [Int]
    private let seconds: Double
    private let isFull: Bool

    var run: TinyRun { distributed.run }

    /// - Parameters:
    ///   - isFull: whether blocks train as a whole, and not adapters.
    ///   - seconds: what F of a block is said to take: decides how long the first stage of a pipeline is patient.
    init(
        _ transport: Ground.Transport, replicas: Int = 1, stages: Int, _ kind: ScheduleKind, isFull: Bool = false,
        seconds: Double = 1, gate: StepGate
    ) throws {
        self.gate = gate
        self.kind = kind
        self.seconds = seconds
        self.isFull = isFull
        cuts = [[], [4], [3, 4], [3, 4, 5]][stages - 1]
        distributed = try DistributedRun(
            transport, gate: gate, workers: Self.helpers, model: TinyModel(layers: Self.layers, isFull: isFull)
        ) { ($0.replicas, $0.stages) = (replicas, stages) }
        try distributed.run.startCoordinator()
    }

    /// Makes what a worker trains with: any of them can lead.
    private func make(_ pool: ComputePool) -> @Sendable () throws -> Trainer {
        let model = run.model, bounds = [TinyModel.frozenBlocks] + cuts + [Self.layers]
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
        #expect(run.events.waits { $0 == .registered(id: "worker", samples: nil) })
    }

    /// With the leader, and everything that steps need.
    func begin() throws {
        try startLeader()
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
    }

    /// Starts a worker for another place.
    @discardableResult
    func start(_ id: String) throws -> (pool: ComputePool, training: TinyTraining) {
        let pool = ComputePool(threads: cuts.count + 1)
        let training = TinyTraining(run.model, folder: run.site.folder(of: id), gate: nil, make: make(pool))
        try run.startWorker(id) { options in
            (options.batch, options.microBatch, options.training) = (TinyShards.batch, 1, training.role)
            (options.heartbeatInterval, options.pool) = (.milliseconds(200), pool)
        }
        return (pool, training)
    }

    func waitsFor(_ id: String, from start: Int = 0) -> Bool {
        run.workerEvents.waits(from: start) { $0.event == .replicaArrived(id) }
    }

    /// Whether somebody comes to follow another one.
    func waits(until id: String, follows leader: String, from start: Int = 0) -> Bool {
        run.workerEvents.waits(from: start) { $0.id == id && $0.event == .following(leader: leader) }
    }

    /// Whether somebody comes to walk a stage, or to compute a part.
    func waitsForWork(of id: String, from start: Int = 0) -> Bool {
        run.workerEvents.waits(from: start) { if $0.id == id, case .computed = $0.event { true } else { false } }
    }

    /// Steps of which somebody walked a stage, or computed a part.
    func walked(_ id: String, from start: Int = 0) -> Int {
        run.workerEvents.all.dropFirst(start).count {
            if $0.id == id, case .computed(_, 1...4) = $0.event { true } else { false }
        }
    }

    func gaveUp() -> [WorkerEvent] {
        run.workerEvents.all.map(\.event).filter { if case .stageGivenUp = $0 { true } else { false } }
    }

    func expectAlone(_ leader: TinyTraining? = nil) throws {
        guard case .completed(let totals) = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return
        }
        #expect(totals.steps == UInt64(TinyShards.steps))
        #expect(try (leader ?? distributed.training).adapters == (isFull ? Self.blocks : Self.adapters).get())
        try TinyShards.expectEverySampleOnce(in: try #require(try run.site.ledger(.reading)))
    }
}
