import Coordinator
import Faults
import Ledger
import Queueing
import Synchronization
import Testing
import Wire
import Worker

/// Whole runs whose steps several workers share.
@Suite("Replicas", .serialized, .timeLimit(.minutes(3)))
struct ReplicaRunTests {
    /// What one worker trains alone, of micro-batches of one sample: four sums of gradients in each step.
    private static let alone = Result {
        let run = try TinyRun(.simplest, TinyShards.planned)
        try run.startCoordinator()
        try run.startWorker { ($0.batch, $0.microBatch) = (TinyShards.batch, 1) }
        for (id, shard) in TinyShards.shards { try run.startDevice(id, examples: shard) }
        guard case .completed = try run.outcome() else { return [Float]() }
        return run.trainer.parameters.flat.values
    }

    static let replicas = ["replica-1", "replica-2", "replica-3"]

    private static func begin(
        _ transport: Ground.Transport, workers: Int, gate: StepGate? = nil
    ) throws -> DistributedRun {
        let distributed = try DistributedRun(transport, gate: gate, workers: replicas) { $0.replicas = workers }
        try distributed.run.startCoordinator()
        return distributed
    }

    /// The first worker leads.
    private static func startWorker(_ distributed: inout DistributedRun) throws {
        try distributed.startWorker { $0.microBatch = 1 }
        #expect(distributed.run.events.waits { $0 == .registered(id: "worker", samples: nil) })
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
    }

    /// - Returns: what it trains with, should it lead.
    @discardableResult
    static func startReplica(_ distributed: DistributedRun, _ id: String) throws -> TinyTraining {
        let training = TinyTraining(distributed.run.model, folder: distributed.run.site.folder(of: id), gate: nil)
        try distributed.run.startWorker(id) { options in
            (options.batch, options.microBatch, options.training) = (TinyShards.batch, 1, training.role)
            options.heartbeatInterval = .milliseconds(200)
        }
        return training
    }

    static func waitsForReplica(_ distributed: DistributedRun, _ id: String, from start: Int = 0) -> Bool {
        distributed.run.workerEvents.waits(from: start) { $0.event == .replicaArrived(id) }
    }

    /// Micro-batches that somebody computed for the leader.
    static func computed(_ distributed: DistributedRun, by id: String) -> Int {
        distributed.run.workerEvents.all.reduce(0) { sum, told in
            if told.id == id, case .computed(_, let count) = told.event { sum + count } else { sum }
        }
    }

    static func expectAlone(_ distributed: DistributedRun, leader: TinyTraining? = nil) throws {
        guard case .completed(let totals) = try distributed.run.outcome() else {
            Issue.record("\(distributed.run.events.all)")
            return
        }
        #expect(totals.steps == UInt64(TinyShards.steps))
        #expect(try (leader ?? distributed.training).adapters == alone.get())
        try TinyShards.expectEverySampleOnce(in: try #require(try distributed.run.site.ledger(.reading)))
    }

    @Test(
        "one, two, three and four workers train the same adapters, bit for bit", arguments: 1...4,
        [Ground.Transport.inproc, .tcp, .curve])
    func sameBits(workers: Int, transport: Ground.Transport) throws {
        let gate = StepGate(after: 1)
        var distributed = try Self.begin(transport, workers: workers, gate: gate)
        try Self.startWorker(&distributed)
        #expect(gate.holds())
        for id in Self.replicas {
            try Self.startReplica(distributed, id)
            if Self.replicas.prefix(workers - 1).contains(id) { #expect(Self.waitsForReplica(distributed, id)) }
        }
        gate.open()
        try Self.expectAlone(distributed)
        for (number, id) in Self.replicas.enumerated() {
            #expect((Self.computed(distributed, by: id) > 0) == (number < workers - 1), "\(id)")
        }
    }

    @Test("a replica that dies after any step is not missed, and helps again when it is back", arguments: [2, 7, 13])
    func replicaDies(step: Int) throws {
        let gate = StepGate(after: step)
        var distributed = try Self.begin(.tcp, workers: 3, gate: gate)
        try Self.startWorker(&distributed)
        for id in Self.replicas.prefix(2) { try Self.startReplica(distributed, id) }
        for id in Self.replicas.prefix(2) { #expect(Self.waitsForReplica(distributed, id)) }
        #expect(gate.holds())
        #expect(distributed.run.roles.kill("replica-1"))
        let before = distributed.run.workerEvents.all.count
        try Self.startReplica(distributed, "replica-1")
        let isBack = distributed.run.workerEvents.waits(from: before) {
            $0.id == "replica-1" && $0.event == .following(leader: "worker")
        }
        #expect(isBack)
        gate.open()
        try Self.expectAlone(distributed)
    }

    @Test(
        "a leader that dies after any step goes on from its checkpoint, and its replicas with it",
        arguments: [1, 5, 15])
    func leaderDies(step: Int) throws {
        let gate = StepGate(after: step)
        var distributed = try Self.begin(.tcp, workers: 2, gate: gate)
        try Self.startWorker(&distributed)
        try Self.startReplica(distributed, "replica-1")
        #expect(gate.holds())
        #expect(Self.waitsForReplica(distributed, "replica-1"))
        #expect(distributed.run.events.waits { $0.step?.step == UInt64(step) })
        #expect(distributed.killWorker())
        try distributed.startWorker { $0.microBatch = 1 }
        try Self.expectAlone(distributed)
    }

    @Test("a leader that is drained hands over to a replica, which trains on with the others", arguments: [3, 11])
    func handOver(step: Int) throws {
        let gate = StepGate(after: step)
        var distributed = try Self.begin(.tcp, workers: 3, gate: gate)
        try Self.startWorker(&distributed)
        #expect(gate.holds())
        let successor = try Self.startReplica(distributed, "replica-1")
        try Self.startReplica(distributed, "replica-2")
        for id in Self.replicas.prefix(2) { #expect(Self.waitsForReplica(distributed, id)) }
        let operations = try #require(try distributed.run.site.ledger(.operations))
        try operations.orderDrain(of: "worker", run: "run")
        #expect(distributed.run.events.waits { if case .draining("worker", "replica-1"?) = $0 { true } else { false } })
        gate.open()
        #expect(distributed.run.events.waits { $0 == .handedOver(from: "worker", to: "replica-1") })
        try Self.expectAlone(distributed, leader: successor)
        let workers = Set(try operations.steps(of: "run").map(\.worker))
        #expect(workers == ["worker", "replica-1"] && Self.computed(distributed, by: "replica-2") > 0)
    }

    @Test(
        "devices publish to several workers, each message is trained once, and it does not matter which worker leaves",
        arguments: ["nobody", "killed for good", "killed", "drained"], [Ground.Transport.tcp, .curve])
    func spread(leaves: String, transport: Ground.Transport) throws {
        let gate = StepGate(after: 2)
        var distributed = try Self.begin(transport, workers: 2, gate: gate)
        let run = distributed.run
        try distributed.startWorker { $0.microBatch = 1 }
        #expect(run.events.waits { $0 == .registered(id: "worker", samples: nil) })
        try Self.startReplica(distributed, "replica-1")
        #expect(run.events.waits { $0 == .registered(id: "replica-1", samples: nil) })
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
        #expect(gate.holds())
        let homes = run.workerEvents.all.compactMap { told -> [String]? in
            if case .deviceArrived(let device) = told.event { [told.id, device] } else { nil }
        }
        #expect(Set(homes.map(\.[0])) == ["worker", "replica-1"] && Set(homes.map(\.[1])) == ["strong", "weak"])
        switch leaves {
        case "killed":
            #expect(run.roles.kill("replica-1"))
            try Self.startReplica(distributed, "replica-1")
        case "killed for good": #expect(run.roles.kill("replica-1"))
        case "drained":
            let operations = try #require(try run.site.ledger(.operations))
            try operations.orderDrain(of: "replica-1", run: "run")
            #expect(run.roles.hasEnded("replica-1"))
            #expect(run.workerEvents.all.contains { $0.id == "replica-1" && $0.event == .left(.drained) })
        default: break
        }
        gate.open()
        try Self.expectAlone(distributed)
    }
}
