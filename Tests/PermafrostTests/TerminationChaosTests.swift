import Foundation
import Queueing
import Testing

/// SIGTERM, as whoever supervises processes sends it before it kills them.
@Suite("SIGTERM", .serialized, .timeLimit(.minutes(3)))
struct TerminationChaosTests {
    /// Kubernetes waits 30 s, `docker stop` 10 s.
    private static let graceSeconds = 10.0

    private static let overrides = [
        "training.epochs=60", "training.batch=12", "training.micro_batch=2", "training.checkpoint_steps=100000",
        "evaluation.samples=0", "devices.balance=fixed", "devices.publish_batch=2", "pipeline.replicas=2", "threads=1",
    ]

    @Test("any role that gets SIGTERM ends by itself within the grace period, and nothing is lost")
    func anyRole() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let cluster = try Cluster(tiny, Self.overrides, workers: 2)
            let leader = cluster.workers[0], replica = cluster.workers[1]
            cluster.start([cluster.coordinator, leader] + cluster.devices)
            _ = try #require(leader.line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            replica.start()
            _ = try #require(leader.line(beginningWith: "replica   worker-2 ", within: 60), "\(cluster.logs)")
            // The worker that trains has no checkpoint when it is asked to leave: it writes one.
            let expected: [(role: SupervisedRole, code: Int32)] = [
                (cluster.devices[0], 0), (replica, 0), (cluster.coordinator, 62), (leader, 0),
            ]
            for (role, code) in expected {
                role.signal(SIGTERM)
                #expect(role.exitCode(within: Self.graceSeconds) == code, "\(role.name)\n\(cluster.logs)")
                #expect(role.deaths == 0)
                role.start()
            }
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
            _ = try cluster.expectOnePast()
            let resumed = cluster.workers.contains { $0.log.contains("resumed after step ") }
            #expect(resumed, "the worker that trained has left no checkpoint: \(cluster.logs)")
        }
    }

    @Test("a pod's hook lets its role finish and waits for it, and never ends another process")
    func hook() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let cluster = try Cluster(tiny, Self.overrides)
            let worker = cluster.workers[0]
            cluster.start()
            _ = try #require(worker.line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            let process = try #require(worker.process)
            let drained = try tiny.run("drain", "--process", "\(process)", "--timeout", "30")
            #expect(drained.exitCode == 0 && kill(process, 0) != 0, "\(drained.errors)\(cluster.logs)")
            #expect(worker.exitCode(within: 1) == 0 && worker.deaths == 0, "\(cluster.logs)")
            worker.start()
            // Hooks may be run twice, and SIGTERM follows them.
            let end = ContinuousClock.now + .seconds(30)
            while !worker.log.contains("resumed after step "), ContinuousClock.now < end { usleep(5000) }
            try #require(worker.log.contains("resumed after step "), "\(cluster.logs)")
            for signal in [SIGUSR1, SIGUSR1, SIGTERM] { worker.signal(signal) }
            #expect(worker.exitCode(within: Self.graceSeconds) == 0 && worker.deaths == 0, "\(cluster.logs)")
            worker.start()
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
            for (process, words) in [(process, "cannot be asked"), (getpid(), "is no role")] {
                let refused = try tiny.run("drain", "--process", "\(process)")
                #expect(refused.exitCode == 59 && refused.errors.contains(words), "\(refused.errors)")
            }
        }
    }

    @Test("a role that waits for a coordinator ends at once", arguments: ["worker", "device"])
    func waiting(role: String) throws {
        try TinyModel.use { tiny in
            let context = try ZeroMQContext()
            var options = SocketOptions()
            options.security = .insecure
            let silent = try Socket(.router, context: context, options: options)
            let endpoint = try silent.bind("tcp://127.0.0.1:*")
            let process = SupervisedRole(
                role, [role, "--id", "\(role)-1", "--coordinator", endpoint, "--insecure"], in: tiny.folder)
            process.start()
            var poller = Poller()
            _ = poller.add(silent)
            try poller.wait(milliseconds: 30_000)
            #expect(try silent.receive() != nil, "it asks for the recipe")
            process.signal(SIGTERM)
            #expect(process.exitCode(within: Self.graceSeconds) == 0, "\(process.log)")
            #expect(process.deaths == 0)
        }
    }
}
