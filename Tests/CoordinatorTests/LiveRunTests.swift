import Coordinator
import Datasets
import Device
import Diagnostics
import Queueing
import Synchronization
import Tensors
import Testing
import Wire
import Worker

@Suite("Roles over sockets", .serialized, .timeLimit(.minutes(2)))
struct LiveRunTests {
    private static let plan = [
        Coordinator.Configuration.PlannedDevice(id: "honest", cut: 2), .init(id: "other", cut: 1),
    ]

    /// The adapters after a run of two devices, the second of which may be hostile.
    private func adapters(transport: String, isHostile: Bool) throws -> [Float] {
        let run = try TinyRun(transport: transport)
        let honest = TinyRun.shard("honest", count: 17)
        let other = TinyRun.shard("other", count: HostilePeer.lies.count)
        var trained = 0
        let outcome = try run.coordinator(Self.plan).run { endpoint in
            run.startWorker(coordinator: endpoint)
            run.startDevice("honest", coordinator: endpoint, examples: honest)
            if isHostile {
                let peer = HostilePeer(context: run.context, id: "other", examples: other, forward: run.forward)
                run.roles.start("other") { try peer.lieAndPublish(coordinatorEndpoint: endpoint) }
            } else {
                run.startDevice("other", coordinator: endpoint, examples: other)
            }
        } observer: { event in
            if case .step(let report) = event { trained += Int(report.samples) }
        }
        #expect(run.roles.haveEnded())
        for role in ["worker", "honest", "other"] { #expect(run.roles.error(of: role) == nil) }
        guard case .completed(let totals) = outcome else {
            Issue.record("\(outcome)")
            return []
        }
        #expect(totals.samples == UInt64(2 * (honest.count + other.count)) && trained == Int(totals.samples))
        return run.trainer.parameters.flat.values
    }

    @Test(
        "every lie is refused with its number, and the adapters are those of a run without lies, bit for bit",
        arguments: TinyRun.endpoints)
    func lies(transport: String) throws {
        let disturbed = try adapters(transport: transport, isHostile: true)
        #expect(try disturbed == adapters(transport: transport, isHostile: false))
        #expect(disturbed.contains { $0 != 0 })
    }

    @Test(
        "a device that vanishes without a word ends the run with its counts and the worker's totals",
        arguments: TinyRun.endpoints)
    func vanished(transport: String) throws {
        let run = try TinyRun(transport: transport)
        let peer = HostilePeer(
            context: run.context, id: "gone", examples: TinyRun.shard("gone", count: 5), forward: run.forward)
        let coordinator = try run.coordinator([.init(id: "gone", cut: 1)], silenceLimit: .milliseconds(500))
        let outcome = try coordinator.run { endpoint in
            run.startWorker(coordinator: endpoint, heartbeatInterval: .milliseconds(50))
            run.roles.start("gone") { try peer.publishOnceAndVanish(coordinatorEndpoint: endpoint) }
        } observer: { _ in
        }
        guard case .failed(let error, let totals) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(error == .deviceLost(device: "gone", seconds: 0.5, published: 1, samples: 5))
        #expect(error.exitCode == .deviceLost && error.problem.contains("for 0.5 s,"))
        #expect(totals?.steps == 0)
        #expect(run.roles.haveEnded())
        for role in ["worker", "gone"] { #expect(run.roles.error(of: role) == nil) }
    }

    @Test(
        "a device that cannot go on ends the run with its own error, and everybody leaves",
        arguments: TinyRun.endpoints)
    func deviceFails(transport: String) throws {
        let run = try TinyRun(transport: transport)
        let outcome = try run.coordinator(Self.plan).run { endpoint in
            run.startWorker(coordinator: endpoint, creditBytes: 60)
            for id in ["honest", "other"] {
                run.startDevice(id, coordinator: endpoint, examples: TinyRun.shard(id, count: 5))
            }
        } observer: { _ in
        }
        guard case .failed(let error, .some) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(error.exitCode == .messageRejected)
        #expect(error.remedy == "Raise devices.credit_bytes, or lower devices.publish_batch")
        #expect(run.roles.haveEnded())
    }

    @Test("a run that is stopped before its roles have come lets them all go", arguments: TinyRun.endpoints)
    func stoppedBefore(transport: String) throws {
        let run = try TinyRun(transport: transport)
        let coordinator = try run.coordinator(Self.plan)
        coordinator.stop()
        let outcome = try coordinator.run { endpoint in
            run.startWorker(coordinator: endpoint)
            for id in ["honest", "other"] {
                run.startDevice(id, coordinator: endpoint, examples: TinyRun.shard(id, count: 5))
            }
        } observer: { _ in
        }
        guard case .interrupted(let totals) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(totals?.steps ?? 0 == 0)
        #expect(run.roles.haveEnded())
    }

    @Test("a device that greets its worker before the worker knows the plan gets its credit all the same")
    func earlyGreeting() throws {
        let run = try TinyRun(transport: "inproc://")
        let coordinator = try HandPeer(.router, context: run.context, id: "coordinator")
        let endpoint = try coordinator.channel.socket.bind("inproc://coordinator")
        run.startWorker(coordinator: endpoint, heartbeatInterval: .milliseconds(20))
        let registration = try coordinator.next(\.register)
        let device = try HandPeer(.dealer, context: run.context, id: "early")
        try device.channel.socket.connect(registration.endpoint)
        try device.channel.send(.hello(.init(samples: 1)))
        // After two heartbeats the worker has looked at all its sockets.
        for _ in 0..<2 { _ = try coordinator.next { $0.heartbeat } }
        try coordinator.channel.send(
            .runPlan(.init(devices: [.init(device: "early", samples: 1, cut: 2)], seed: 1, generation: 1)),
            to: "worker")
        #expect(try device.next().body == .credit(.init(bytes: 4096)))
        try coordinator.channel.send(.stop(.init(reason: "the test is over")), to: "worker")
        #expect(run.roles.haveEnded())
    }

    @Test("a device's last word arrives, however many messages a busy coordinator has left unread")
    func busyCoordinator() throws {
        let run = try TinyRun(transport: "inproc://")
        let coordinator = try HandPeer(.router, context: run.context, id: "coordinator")
        let endpoint = try coordinator.channel.socket.bind("inproc://coordinator")
        run.startWorker(coordinator: endpoint, epochs: 1, batch: 400)
        let worker = try coordinator.next(\.register)
        run.startDevice("d", coordinator: endpoint, examples: TinyRun.shard("d", count: 300), publishBatch: 1)
        _ = try coordinator.next(\.register)
        try coordinator.channel.send(
            .runPlan(.init(devices: [.init(device: "d", samples: 300, cut: 2)], seed: 7, generation: 1)),
            to: "worker")
        try coordinator.channel.send(
            .assignment(
                .init(cut: 2, workerEndpoint: worker.endpoint, seed: 7, generation: 1, number: 0, epoch: 1)), to: "d")
        #expect(run.roles.haveEnded())
        let last = try coordinator.next { $0.progress?.finished == true ? $0.progress : nil }
        #expect(last.publishedSamples == 300)
    }

    @Test("a worker that fails returns only when its step has ended, for the adapters belong to the caller then")
    func failureInStep() throws {
        let run = try TinyRun(transport: "inproc://")
        let coordinator = try HandPeer(.router, context: run.context, id: "coordinator")
        let endpoint = try coordinator.channel.socket.bind("inproc://coordinator")
        let store = GatedStore(capacityBytes: 16 * run.forward.width * 4 + 4 * 4)
        run.startWorker(coordinator: endpoint, batch: 1, store: store)
        let worker = try coordinator.next(\.register)
        let examples = Array(repeating: EncodedExample(tokens: [1, 2, 3, 4], label: 0), count: 5)
        run.startDevice("d", coordinator: endpoint, examples: examples, publishBatch: 1)
        _ = try coordinator.next(\.register)
        try coordinator.channel.send(
            .runPlan(.init(devices: [.init(device: "d", samples: 5, cut: 2)], seed: 7, generation: 1)), to: "worker")
        try coordinator.channel.send(
            .assignment(
                .init(cut: 2, workerEndpoint: worker.endpoint, seed: 7, generation: 1, number: 0, epoch: 1)), to: "d")
        let failure = try coordinator.next(\.failure)
        #expect(failure.exitCode == ExitCode.storeFull.rawValue)
        try coordinator.channel.send(.stop(.init(reason: "the worker failed")), to: "d")
        store.open()
        #expect(run.roles.haveEnded())
        #expect(run.roles.error(of: "worker") as? WorkerError != nil)
        #expect(run.trainer.step == 1)
    }
}
