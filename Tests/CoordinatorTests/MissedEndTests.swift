import Coordinator
import Faults
import Queueing
import Testing
import Worker

/// Runs over TCP that end, or lose their coordinator, while somebody cannot hear of it.
@Suite("Missed ends", .serialized, .timeLimit(.minutes(2)))
struct MissedEndTests {
    /// What a device says when it leaves.
    private static func left(_ run: TinyRun, _ id: String) -> String? {
        run.deviceEvents.all.compactMap { if case (id, .stopped(let reason)) = $0 { reason } else { nil } }.last
    }

    /// A run of which the weak device hears nothing any more once all its samples are with the worker.
    private static func missed(
        linger: Duration, patience: Duration? = nil
    ) throws -> (DistributedRun, TCPFaultProxy) {
        let gate = StepGate(after: TinyShards.steps)
        var distributed = try DistributedRun(gate: gate) {
            // Whoever is there and silent is given up after the shorter of this and ten seconds.
            ($0.silenceLimit, $0.linger) = (.seconds(1), linger)
        }
        let run = distributed.run
        let proxy = try TCPFaultProxy(upstream: run.endpoint)
        try run.startCoordinator()
        try distributed.startWorker()
        try distributed.startDevice("strong")
        try distributed.startDevice("weak", coordinator: proxy.endpoint) { $0.patience = patience }
        #expect(gate.holds())
        proxy.change { $0.isBlackHole = true }
        gate.open()
        #expect(run.roles.hasEnded("worker") && run.roles.hasEnded("strong"))
        return (distributed, proxy)
    }

    @Test("a device whose link was cut as the run ended hears of it from the coordinator that has stayed")
    func lingering() throws {
        let (distributed, proxy) = try Self.missed(linger: .seconds(25))
        let run = distributed.run
        #expect(run.events.waits { if case .lingering(["weak"], _) = $0 { true } else { false } })
        proxy.change { $0.isBlackHole = false }
        try distributed.expectUndisturbed()
        #expect(Self.left(run, "weak") == "the run has ended")
    }

    @Test("a device that has nothing more to do leaves with success when the coordinator has left without it")
    func patience() throws {
        let (distributed, _) = try Self.missed(linger: .zero, patience: .seconds(2))
        #expect(distributed.run.roles.hasEnded("coordinator"))
        try distributed.expectUndisturbed()
        let reason = Self.left(distributed.run, "weak") ?? ""
        #expect(reason.hasPrefix("everything is with the worker. No coordinator was heard of at tcp://"), "\(reason)")
    }

    @Test("a coordinator that died after the end and is started again releases a device that still waits")
    func startedAgain() throws {
        let (distributed, proxy) = try Self.missed(linger: .seconds(25))
        let run = distributed.run
        #expect(run.roles.kill("coordinator"))
        try run.startCoordinator()
        proxy.change { $0.isBlackHole = false }
        #expect(run.roles.hasEnded("weak") && run.roles.error(of: "weak") == nil)
        #expect(Self.left(run, "weak") == "the run has ended")
        // It does not know that the others have left.
        run.stop()
        try distributed.expectUndisturbed()
    }

    @Test("without a coordinator a device with samples of its own and a worker on standby leave with an error")
    func unfinished() throws {
        let run = try DistributedRun().run
        try run.startWorker { ($0.patience, $0.heartbeatInterval) = (.milliseconds(500), .milliseconds(100)) }
        try run.startDevice("weak", examples: TinyShards.shards["weak"] ?? []) {
            ($0.patience, $0.heartbeatInterval) = (.milliseconds(500), .milliseconds(100))
        }
        #expect(run.roles.haveEnded())
        let silence = PatienceError.coordinatorSilent(endpoint: run.endpoint, seconds: 0.5)
        for id in ["worker", "weak"] { #expect(run.roles.error(of: id) as? PatienceError == silence) }
    }

    @Test("a worker that trains does not miss the coordinator for longer than its patience")
    func busyWorker() throws {
        let gate = StepGate(after: 3)
        var distributed = try DistributedRun(gate: gate)
        let run = distributed.run
        try run.startCoordinator()
        try distributed.startWorker { $0.patience = .seconds(2) }
        for id in ["strong", "weak"] { try distributed.startDevice(id) { $0.patience = .seconds(2) } }
        #expect(gate.holds())
        #expect(run.roles.kill("coordinator"))
        // Both have waited as long as the worker has, who is in the middle of a step.
        for id in ["strong", "weak"] { #expect(run.roles.hasEnded(id) && run.roles.error(of: id) == nil) }
        #expect(run.roles.names == ["worker"])
        let before = run.workerEvents.all.count
        try run.startCoordinator()
        #expect(run.workerEvents.waits(from: before) { if case .joined = $0.event { true } else { false } })
        gate.open()
        try distributed.expectUndisturbed()
    }
}
