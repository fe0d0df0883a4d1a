import Coordinator
import Datasets
import Device
import Diagnostics
import Queueing
import Testing
import Wire
import Worker

/// Whole runs, over every ground.
@Suite("Roles over sockets", .serialized, .timeLimit(.minutes(2)))
struct LiveRunTests {
    private static let plan = [
        Coordinator.Configuration.PlannedDevice(id: "honest", cut: 2), .init(id: "other", cut: 1),
    ]
    private static let honest = TinyModel.shard("honest", count: 17)
    /// Those that come in parts need a row for each.
    private static let other =
        TinyModel.shard("other", count: HostilePeer.sampleCount - 4)
        + (0..<4).map { EncodedExample(tokens: [$0, 5, 9], label: Int($0 % 2)) }

    /// The adapters of the simplest run without lies.
    private static let truth = Result { try adapters(.simplest, isHostile: false) }

    /// The adapters after a run of two devices, the second of which may be hostile.
    private static func adapters(_ ground: Ground, isHostile: Bool) throws -> [Float] {
        let run = try TinyRun(ground, plan)
        try run.startCoordinator()
        try run.startWorker()
        try run.startDevice("honest", examples: honest)
        if isHostile {
            let peer = HostilePeer(id: "other", examples: other, run: run)
            run.roles.start("other", in: try run.site.context()) { try peer.lieAndPublish($0) }
        } else {
            try run.startDevice("other", examples: other)
        }
        guard case .completed(let totals) = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return []
        }
        #expect(totals.samples == UInt64(2 * (honest.count + other.count)))
        #expect(run.events.all.compactMap(\.step).reduce(0) { $0 + $1.samples } == totals.samples)
        return run.trainer.parameters.flat.values
    }

    @Test("every ground trains the same adapters, bit for bit", arguments: Ground.all)
    func grounds(ground: Ground) throws {
        let run = try TinyRun(ground, TinyShards.planned)
        try run.startCoordinator()
        try run.startWorker { $0.batch = TinyShards.batch }
        for (id, shard) in TinyShards.shards { try run.startDevice(id, examples: shard) }
        guard case .completed = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return
        }
        let adapters = run.trainer.parameters.flat.values
        #expect(try adapters == TinyShards.adapters.get() && adapters.contains { $0 != 0 })
        guard let ledger = try run.site.ledger(.reading) else { return }
        try TinyShards.expectEverySampleOnce(in: ledger)
    }

    @Test(
        "every lie is refused with its number, and the adapters are those of a run without lies, bit for bit",
        arguments: Ground.all)
    func lies(ground: Ground) throws {
        let disturbed = try Self.adapters(ground, isHostile: true)
        #expect(try disturbed == Self.truth.get() && disturbed.contains { $0 != 0 })
    }

    @Test(
        "a device that vanishes without a word ends the run with its counts and the worker's totals",
        arguments: Ground.all)
    func vanished(ground: Ground) throws {
        let run = try TinyRun(ground, [.init(id: "gone", cut: 1)]) { $0.silenceLimit = .milliseconds(500) }
        try run.startCoordinator()
        try run.startWorker { $0.heartbeatInterval = .milliseconds(50) }
        let peer = HostilePeer(id: "gone", examples: TinyModel.shard("gone", count: 5), run: run)
        run.roles.start("gone", in: try run.site.context()) { try peer.publishOnceAndVanish($0) }
        guard case .failed(let error, let totals) = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return
        }
        #expect(error == .deviceLost(device: "gone", seconds: 0.5, published: 1, samples: 5))
        #expect(error.exitCode == .deviceLost && error.problem.contains("for 0.5 s,"))
        #expect(totals?.steps == 0)
    }

    @Test(
        "a device that cannot go on ends the run with its own error, and everybody leaves", arguments: Ground.all)
    func deviceFails(ground: Ground) throws {
        let run = try TinyRun(ground, [.init(id: "honest", cut: 2), .init(id: "other", cut: 5)])
        try run.startCoordinator()
        try run.startWorker()
        for id in ["honest", "other"] { try run.startDevice(id, examples: TinyModel.shard(id, count: 5)) }
        #expect(run.roles.haveEnded())
        let errors = run.roles.errors
        #expect(Array(errors.keys) == ["other"] && errors["other"] is DeviceError)
        guard case .failed(let error, _) = run.ended else {
            Issue.record("\(run.events.all)")
            return
        }
        #expect(error.exitCode == .messageRejected)
        #expect(error.remedy == "Start the device with the model that the coordinator's recipe names")
    }

    @Test("credit for one token at a time is enough", arguments: [Ground.simplest])
    func leastCredit(ground: Ground) throws {
        let run = try TinyRun(ground, TinyShards.planned)
        try run.startCoordinator()
        try run.startWorker { ($0.batch, $0.creditBytes) = (TinyShards.batch, 1) }
        for (id, shard) in TinyShards.shards { try run.startDevice(id, examples: shard) }
        guard case .completed = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return
        }
        #expect(try run.trainer.parameters.flat.values == TinyShards.adapters.get())
    }

    @Test("a run that is stopped before its roles have come lets them all go", arguments: Ground.all)
    func stoppedBefore(ground: Ground) throws {
        let run = try TinyRun(ground, Self.plan)
        try run.startCoordinator(isStopped: true)
        try run.startWorker()
        for id in ["honest", "other"] { try run.startDevice(id, examples: TinyModel.shard(id, count: 5)) }
        guard case .interrupted(let totals) = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return
        }
        #expect(totals?.steps ?? 0 == 0)
    }
}

/// A worker and a device with a coordinator that the test leads by hand.
@Suite("A worker and a device with a coordinator by hand", .serialized, .timeLimit(.minutes(2)))
struct HandLedRunTests {
    private let run: TinyRun
    private let coordinator: HandPeer

    init() throws {
        run = try TinyRun(.simplest)
        coordinator = try HandPeer(.router, context: run.site.context(), id: "coordinator")
        _ = try coordinator.channel.bind(run.endpoint)
    }

    /// Gives the only device and the worker the plan, once both have come.
    private func plan(_ samples: Int, startDevice: () throws -> Void) throws {
        let worker = try coordinator.next(\.register)
        try startDevice()
        _ = try coordinator.next(\.register)
        try coordinator.channel.send(
            .runPlan(.init(devices: [.init(device: "d", samples: UInt64(samples), cut: 2)], seed: 7, generation: 1)),
            to: "worker")
        try coordinator.channel.send(
            .assignment(
                .init(
                    cut: 2, workerEndpoint: worker.endpoint, seed: 7, generation: 1, number: 0, epoch: 1,
                    worker: "worker")), to: "d")
    }

    @Test("a device that greets its worker before the worker knows the plan gets its credit all the same")
    func earlyGreeting() throws {
        try run.startWorker { $0.heartbeatInterval = .milliseconds(20) }
        let registration = try coordinator.next(\.register)
        let device = try HandPeer(.dealer, context: run.site.context(), id: "early")
        device.session = 3
        try device.channel.connect(registration.endpoint)
        try device.say(.hello(.init(samples: 1)))
        // After two heartbeats the worker has looked at all its sockets.
        for _ in 0..<2 { _ = try coordinator.next { $0.heartbeat } }
        try coordinator.channel.send(
            .runPlan(.init(devices: [.init(device: "early", samples: 1, cut: 2)], seed: 1, generation: 1)),
            to: "worker")
        let welcome = try device.next()
        guard case .welcome(let credit) = welcome.body else {
            Issue.record("\(welcome.body) is no welcome")
            return
        }
        #expect(credit.creditBytes == 4096 && credit.settled.isEmpty && welcome.session == 3)
        try coordinator.channel.send(.stop(.init(reason: "the test is over")), to: "worker")
        #expect(run.roles.haveEnded())
    }

    @Test("a device's last word arrives, however many messages a busy coordinator has left unread")
    func busyCoordinator() throws {
        try run.startWorker { ($0.epochs, $0.batch) = (1, 400) }
        try plan(300) { try run.startDevice("d", examples: TinyModel.shard("d", count: 300), publishBatch: 1) }
        #expect(run.roles.hasEnded("d"))
        let last = try coordinator.next { $0.progress?.finished == true ? $0.progress : nil }
        #expect(last.publishedSamples == 300)
        #expect(run.roles.haveEnded() && run.roles.errors.isEmpty)
    }

    @Test("a worker that fails returns only when its step has ended, for the adapters belong to the caller then")
    func failureInStep() throws {
        let store = GatedStore(transactions: 1)
        // One message at a time: the first alone is stored.
        try run.startWorker { options in
            (options.batch, options.creditBytes) = (1, 4 * run.model.forward.width * 4)
            options.store = store
        }
        let examples = Array(repeating: EncodedExample(tokens: [1, 2, 3, 4], label: 0), count: 5)
        try plan(5) { try run.startDevice("d", examples: examples, publishBatch: 1) }
        let failure = try coordinator.next(\.failure)
        #expect(failure.exitCode == ExitCode.storeDamaged.rawValue)
        #expect(run.trainer.step == 0)
        try coordinator.channel.send(.stop(.init(reason: "the worker failed")), to: "d")
        store.open()
        #expect(run.roles.haveEnded())
        #expect(run.roles.error(of: "worker") is StoreError)
        #expect(run.trainer.step == 1)
    }
}
