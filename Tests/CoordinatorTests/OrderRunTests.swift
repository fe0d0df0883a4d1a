import Coordinator
import Datasets
import Faults
import Ledger
import Methods
import Queueing
import Testing
import Wire
import Worker

/// Whole runs over TCP in the orders in which steps follow arrivals, whose roles die.
@Suite("Orders over sockets", .serialized, .timeLimit(.minutes(3)))
struct OrderRunTests {
    /// Who dies after the fourth step, which is recorded and in no checkpoint.
    enum Death: CaseIterable {
        case nobody, worker, coordinator
        /// Both at once, or first the coordinator, and the worker some unrecorded steps later.
        case both, bothApart
    }

    /// A run whose weak device was too slow for the first four steps, held after these until all of it is there: taken
    /// again by what is here then, each step would be another.
    private func held(_ order: TrainingOrder, workers: [String] = []) throws -> (DistributedRun, StepGate) {
        let gate = StepGate(after: 4)
        var distributed = try DistributedRun(gate: gate, workers: workers, order: order)
        let run = distributed.run
        let endpoint = try run.site.freeEndpoint("worker")
        let proxy = try TCPFaultProxy(upstream: endpoint)
        try run.startCoordinator()
        try distributed.startWorker { ($0.endpoint, $0.advertised) = (endpoint, proxy.endpoint) }
        try distributed.startDevice("strong")
        expectPublished("strong", run)
        proxy.change { $0.bytesPerSecond = 100 }
        try distributed.startDevice("weak")
        #expect(gate.holds())
        #expect(run.events.waits { $0.step?.step == 4 })
        proxy.change { $0.bytesPerSecond = nil }
        expectPublished("weak", run)
        return (distributed, gate)
    }

    private func expectPublished(_ device: String, _ run: TinyRun) {
        let isPublished = run.events.waits {
            if case .deviceProgress(device, let progress) = $0 { progress.finished } else { false }
        }
        #expect(isPublished)
    }

    private func awaitLastStep(_ run: TinyRun) {
        #expect(run.workerEvents.waits { if case .stepped(let report) = $0.event { report.step == 16 } else { false } })
    }

    /// Expects a whole run whose ledger begins with these steps, and that training them in one place is the same.
    private func expectWhole(_ distributed: DistributedRun, _ order: TrainingOrder, after before: [StepRecord]) throws {
        let run = distributed.run
        guard case .completed(let totals) = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return
        }
        #expect(totals.steps == UInt64(TinyShards.steps))
        let ledger = try #require(try run.site.ledger(.reading))
        let steps = try ledger.steps(of: "run")
        #expect(try ledger.verifyChain("run") == TinyShards.steps && steps.count == TinyShards.steps)
        // The chain has each step's samples and adapters, and all before.
        #expect(steps.prefix(before.count).map(\.hash) == before.map(\.hash))
        #expect(try ledger.events(of: "run").allSatisfy { !$0.text.contains("taken again with another result") })
        if order == .fullEpoch { try TinyShards.expectEverySampleOnce(in: ledger) }

        let trainer = try run.model.trainer(), central = run.model.central()
        for step in steps {
            let examples = step.sampleIDs.compactMap {
                TinyShards.shards[TinyShards.planned[Int($0 >> 32)].id]?[Int($0 & 0xFFFF_FFFF)]
            }
            _ = try central.step(trainer, on: examples)
        }
        #expect(trainer.parameters.flat.values == distributed.training.adapters)
    }

    @Test(
        "whoever dies, no recorded step is taken again with other samples, and the recorded order is what was trained",
        arguments: [TrainingOrder.fullEpoch, .available], Death.allCases)
    func dies(order: TrainingOrder, death: Death) throws {
        var (distributed, gate) = try held(order)
        let run = distributed.run
        let before = try #require(try run.site.ledger(.reading)).steps(of: "run")
        // The first device alone has what a step needs: in the order of the seed, the other one's samples come first.
        #expect(before.count == 4 && before.allSatisfy { $0.sampleIDs.allSatisfy { $0 >> 32 == 0 } })
        if death == .coordinator || death == .both || death == .bothApart { #expect(run.roles.kill("coordinator")) }
        if death == .worker || death == .both { #expect(distributed.killWorker()) }
        gate.open()
        if death == .coordinator || death == .bothApart { awaitLastStep(run) }
        if death == .bothApart { #expect(distributed.killWorker()) }
        if death != .nobody && death != .worker { try run.startCoordinator() }
        if death != .nobody && death != .coordinator { try distributed.startWorker() }
        try expectWhole(distributed, order, after: before)
        let fourth = try #require(try run.site.ledger(.reading)).steps(of: "run")[3]
        if death == .worker || death == .both { #expect(fourth.retaken == 1, "the checkpoint is of the third step") }
    }

    @Test(
        "a worker that takes over knows what the epoch has used", arguments: [TrainingOrder.fullEpoch, .available])
    func drained(order: TrainingOrder) throws {
        var (distributed, gate) = try held(order, workers: ["standby"])
        let run = distributed.run
        let before = try #require(try run.site.ledger(.reading)).steps(of: "run")
        try distributed.startWorker("standby")
        #expect(run.events.waits { $0 == .registered(id: "standby", samples: nil) })
        try #require(try run.site.ledger(.operations)).orderDrain(of: "worker", run: "run")
        #expect(run.events.waits { if case .draining("worker", "standby"?) = $0 { true } else { false } })
        gate.open()
        #expect(run.events.waits { $0 == .handedOver(from: "worker", to: "standby") })
        try expectWhole(distributed, order, after: before)
    }
}
