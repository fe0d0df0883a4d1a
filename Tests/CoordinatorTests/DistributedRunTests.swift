import Coordinator
import Device
import Faults
import Ledger
import Queueing
import Testing
import Worker

/// Whole runs over TCP whose roles come late, leave, die and come back.
@Suite("Distributed runs", .serialized, .timeLimit(.minutes(3)))
struct DistributedRunTests {
    @Test(
        "roles may start in any order", arguments: [Ground.Transport.tcp, .curve],
        [["c", "w", "d"], ["c", "d", "w"], ["w", "c", "d"], ["w", "d", "c"], ["d", "c", "w"], ["d", "w", "c"]])
    func anyOrder(transport: Ground.Transport, order: [String]) throws {
        var distributed = try DistributedRun(transport)
        for role in order {
            switch role {
            case "c": try distributed.run.startCoordinator()
            case "w": try distributed.startWorker()
            default: for id in ["strong", "weak"] { try distributed.startDevice(id) }
            }
        }
        try distributed.expectUndisturbed()
    }

    @Test("a device comes late, dies while it publishes, leaves, and comes back", arguments: [3000, 9000])
    func comingAndGoing(bytesPerSecond: Int) throws {
        let gate = StepGate(after: 3)
        var distributed = try DistributedRun(gate: gate)
        let run = distributed.run
        let endpoint = try run.site.freeEndpoint("worker")
        let proxy = try TCPFaultProxy(upstream: endpoint)
        try run.startCoordinator()
        try distributed.startWorker { ($0.endpoint, $0.advertised) = (endpoint, proxy.endpoint) }
        try distributed.startDevice("strong")
        let isPublished = run.events.waits {
            if case .deviceProgress("strong", let progress) = $0 { progress.finished } else { false }
        }
        #expect(isPublished)

        // It is late, and on a link on which its samples take a while.
        proxy.change { $0.bytesPerSecond = bytesPerSecond }
        try distributed.startDevice("weak")
        let hasBegun = run.events.waits {
            if case .deviceProgress("weak", let progress) = $0 { progress.publishedSamples > 0 } else { false }
        }
        #expect(hasBegun)
        #expect(run.roles.kill("weak"))
        try distributed.startDevice("weak")
        let isBack = run.deviceEvents.waits { if case ("weak", .joined(_, 1..., _)) = $0 { true } else { false } }
        #expect(isBack, "what it has published stays published")
        #expect(run.stopDevice("weak"))
        #expect(run.roles.error(of: "weak") == nil)
        proxy.change { $0.bytesPerSecond = nil }
        let before = run.deviceEvents.all.count
        try distributed.startDevice("weak")
        // The run must not end before it is there to be told.
        #expect(run.deviceEvents.waits(from: before) { if case ("weak", .joined) = $0 { true } else { false } })
        gate.open()
        try distributed.expectUndisturbed()
    }

    @Test(
        "a worker that dies after any step goes on from its checkpoint when it is started again",
        arguments: [1, 5, 9, 15], [Ground.Transport.tcp, .curve])
    func workerDies(step: Int, transport: Ground.Transport) throws {
        let gate = StepGate(after: step)
        var distributed = try DistributedRun(transport, gate: gate)
        let run = distributed.run
        try run.startCoordinator()
        try distributed.startWorker()
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
        #expect(gate.holds())
        // What was told is recorded, and no more is taken.
        #expect(run.events.waits { $0.step?.step == UInt64(step) })
        #expect(distributed.killWorker())
        try distributed.startWorker()
        try distributed.expectUndisturbed()
        let begun = run.workerEvents.all.compactMap {
            if case .trainingBegan(let step) = $0.event { step } else { nil }
        }
        #expect(begun == [0, step / Int(TinyTraining.checkpointSteps) * Int(TinyTraining.checkpointSteps)])
    }

    @Test("a worker that dies while messages come in asks for none that it has")
    func workerDiesEarly() throws {
        var distributed = try DistributedRun()
        let run = distributed.run
        try run.startCoordinator()
        try distributed.startWorker()
        try distributed.startDevice("strong")
        #expect(run.deviceEvents.waits { if case ("strong", .joined) = $0 { true } else { false } })
        #expect(distributed.killWorker())
        try distributed.startWorker()
        try distributed.startDevice("weak")
        try distributed.expectUndisturbed()
    }

    @Test(
        "a coordinator that dies goes on from its ledger, and misses no step that was taken meanwhile",
        arguments: [1, 7, 16], [Ground.Transport.tcp, .curve])
    func coordinatorDies(step: Int, transport: Ground.Transport) throws {
        let gate = StepGate(after: step)
        var distributed = try DistributedRun(transport, gate: gate)
        let run = distributed.run
        try run.startCoordinator()
        try distributed.startWorker()
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
        #expect(gate.holds())
        #expect(run.roles.kill("coordinator"))
        gate.open()
        #expect(run.workerEvents.waits { if case .stepped(let report) = $0.event { report.step == 16 } else { false } })
        try run.startCoordinator()
        try distributed.expectUndisturbed()
    }

    @Test("steps of which nobody has heard, and that a checkpoint has, are not forgotten when both sides die")
    func checkpointAheadOfLedger() throws {
        let gate = StepGate(after: 5)
        var distributed = try DistributedRun(gate: gate)
        let run = distributed.run
        try run.startCoordinator()
        try distributed.startWorker()
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
        #expect(gate.holds())
        #expect(run.roles.kill("coordinator"))
        gate.open()
        #expect(run.workerEvents.waits { if case .stepped(let report) = $0.event { report.step == 16 } else { false } })
        #expect(distributed.killWorker())
        try run.startCoordinator()
        try distributed.startWorker()
        try distributed.expectUndisturbed()
    }

    @Test(
        "a worker that is drained after any step hands over to another one", arguments: [2, 8],
        [Ground.Transport.tcp, .curve])
    func drained(step: Int, transport: Ground.Transport) throws {
        let gate = StepGate(after: step)
        var distributed = try DistributedRun(transport, gate: gate, workers: ["standby"])
        let run = distributed.run
        try run.startCoordinator()
        try distributed.startWorker()
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
        #expect(gate.holds())
        try distributed.startWorker("standby")
        #expect(run.events.waits { $0 == .registered(id: "standby", samples: nil) })
        let operations = try #require(try run.site.ledger(.operations))
        try operations.orderDrain(of: "worker", run: "run")
        #expect(run.events.waits { if case .draining("worker", "standby"?) = $0 { true } else { false } })
        gate.open()
        #expect(run.events.waits { $0 == .handedOver(from: "worker", to: "standby") })
        #expect(run.roles.hasEnded("worker"))
        try distributed.expectUndisturbed()
        let workers = Set(try operations.steps(of: "run").map(\.worker))
        #expect(workers == ["worker", "standby"])
    }
}
