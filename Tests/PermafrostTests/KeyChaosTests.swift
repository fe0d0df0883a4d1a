import Foundation
import Testing

/// Key files that are replaced under roles that run.
@Suite("Replaced key files", .serialized, .timeLimit(.minutes(2)))
struct KeyChaosTests {
    private static let overrides = [
        "training.epochs=60", "training.checkpoint_steps=5", "evaluation.samples=0", "devices.publish_batch=2",
        "devices.credit_bytes=8KiB", "devices.balance=fixed",
    ]

    @Test("a key file is read when a role starts: replaced, it is of no matter before, and then it has to be enrolled")
    func replaced() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let cluster = try Cluster(tiny, Self.overrides, keys: true)
            let worker = cluster.workers[0], device = cluster.devices[0]
            cluster.start()
            _ = try #require(worker.line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            for name in ["worker-1", "device-1", "device-2"] { try Self.replaceKey(of: name, tiny) }
            try Data("no key".utf8).write(to: tiny.path("keys/device-3.key"))
            let step = try cluster.steps()
            let end = ContinuousClock.now + .seconds(30)
            while try cluster.steps() < step + 12, ContinuousClock.now < end { usleep(5000) }
            #expect(try cluster.steps() >= step + 12, "\(cluster.logs)")

            // A new key: kept out until it is enrolled.
            for role in [worker, device] { role.restart() }
            // What the worker said last, after its goodbye, may have been refused before.
            let refused = cluster.coordinator.line(
                beginningWith: "refused ", containing: "The key is not enrolled", within: 60)
            #expect(refused != nil, "\(cluster.logs)")
            for name in ["worker-1", "device-1"] {
                let enrolled = try tiny.run(
                    "devices", "enroll", name, "--role", String(name.prefix { $0 != "-" }), "--key", "keys/\(name).pub",
                    "--state", "coordinator")
                #expect(enrolled.exitCode == 0, "\(enrolled.errors)")
            }
            // No key at all: it says so at the next start.
            let broken = cluster.devices[2]
            broken.restart()
            #expect(broken.exitCode(within: 30) == 55, "\(cluster.logs)")
            #expect(broken.log.contains("keys/device-3.key"), "\(cluster.logs)")
            try Self.replaceKey(of: "device-3", tiny)
            let enrolled = try tiny.run(
                "devices", "enroll", "device-3", "--key", "keys/device-3.pub", "--state", "coordinator")
            #expect(enrolled.exitCode == 0, "\(enrolled.errors)")
            broken.start()
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
        }
    }

    private static func replaceKey(of name: String, _ tiny: TinyModel) throws {
        let made = try tiny.run("keys", "generate", name, "--force")
        try #require(made.exitCode == 0, "\(made.errors)")
    }
}
