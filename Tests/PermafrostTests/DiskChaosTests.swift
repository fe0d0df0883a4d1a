import Foundation
import Testing

/// Disks that are full, or cannot be written to, under real processes.
@Suite(
    "Full disks", .serialized, .timeLimit(.minutes(3)), .enabled(if: SmallDisk.isPossible, "only root can mount one"))
struct DiskChaosTests {
    private static let overrides = [
        "training.epochs=40", "training.checkpoint_steps=5", "evaluation.samples=0", "devices.publish_batch=2",
        "devices.credit_bytes=8KiB", "devices.balance=fixed",
    ]
    private static let bytes = 32 << 20

    @Test("a worker's full disk stops its devices, drops nothing, and the run goes on when there is room")
    func store() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let disk = try SmallDisk(at: tiny.path("worker-1"), bytes: Self.bytes)
            let cluster = try Cluster(tiny, Self.overrides)
            let worker = cluster.workers[0]
            cluster.start([cluster.coordinator, worker])
            _ = try #require(worker.line(beginningWith: "joined", within: 60), "\(cluster.logs)")
            try disk.fill()
            for device in cluster.devices { device.start() }
            _ = try #require(worker.line(beginningWith: "full      ", within: 60), "\(cluster.logs)")
            try disk.clear()
            _ = try #require(worker.line(beginningWith: "room      ", within: 60), "\(cluster.logs)")
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
        }
    }

    @Test("a worker that cannot write its log or checkpoint says so and leaves; started again with room, it goes on")
    func checkpoints() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let disk = try SmallDisk(at: tiny.path("worker-1"), bytes: Self.bytes)
            let cluster = try Cluster(tiny, Self.overrides)
            let worker = cluster.workers[0]
            cluster.start()
            _ = try #require(worker.line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            try disk.fill()
            #expect(worker.exitCode(within: 60) == 60, "\(cluster.logs)")
            #expect(worker.log.contains("No space left on device"), "\(cluster.logs)")
            try disk.clear()
            worker.start()
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
        }
    }

    @Test("a coordinator that cannot write its ledger says so and leaves; started again with room, it goes on")
    func ledger() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let disk = try SmallDisk(at: tiny.path("coordinator"), bytes: Self.bytes)
            let cluster = try Cluster(tiny, Self.overrides)
            cluster.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            try disk.fill()
            #expect(cluster.coordinator.exitCode(within: 60) == 67, "\(cluster.logs)")
            #expect(cluster.coordinator.log.contains("full"), "\(cluster.logs)")
            try disk.clear()
            cluster.coordinator.start()
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
        }
    }

    @Test("a run in one process whose folder's disk is full ends with exit code 60, and resumes with room")
    func runFolder() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let disk = try SmallDisk(at: tiny.path("runs"), bytes: Self.bytes)
            let program = try Program(["train", "recipe.yaml"] + Self.overrides, in: tiny.folder)
            _ = try #require(program.line(beginningWith: "step 12/"))
            try disk.fill()
            let outcome = try program.finish()
            #expect(outcome.exitCode == 60 && !outcome.wasKilled, "\(outcome.errors)")
            #expect(outcome.errors.contains("No space left on device"), "\(outcome.errors)")
            try disk.clear()
            let run = RunFiles(folder: try tiny.onlyRun())
            #expect(try tiny.resume(run).exitCode == 0)
            #expect(try run.trained() == undisturbed.trained())
        }
    }

    @Test("whoever cannot write to a volume says which, and exits with a number of its own")
    func readOnly() throws {
        try TinyModel.use { tiny in
            let disk = try SmallDisk(at: tiny.path("volume"), bytes: Self.bytes, isReadOnly: true)
            defer { withExtendedLifetime(disk) {} }
            let cluster = try Cluster(tiny, Self.overrides)
            cluster.coordinator.start()
            let listening = try #require(cluster.coordinator.line(beginningWith: "listening ", within: 30))
            let endpoint = String(listening.dropFirst("listening ".count))
            let commands: [(code: Int32, words: [String])] = [
                (67, ["coordinator", "recipe.yaml", "--insecure", "--state", "volume/coordinator"]),
                (60, ["worker", "--coordinator", endpoint, "--insecure", "--state", "volume/worker"]),
                (60, ["train", "recipe.yaml", "runs=volume/runs"]),
                (55, ["keys", "generate", "device-1", "--folder", "volume/keys"]),
            ]
            for (code, words) in commands {
                let outcome = try Program.run(words, in: tiny.folder)
                #expect(outcome.exitCode == code && !outcome.wasKilled, "\(words): \(outcome.errors)")
                #expect(outcome.errors.contains("volume/"), "\(words): \(outcome.errors)")
                #expect(outcome.errors.lowercased().contains("read-only file system"), "\(words): \(outcome.errors)")
            }
        }
    }
}
