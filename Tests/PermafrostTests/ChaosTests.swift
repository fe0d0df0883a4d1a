import Diagnostics
import Faults
import Foundation
import Randomness
import Testing

/// Processes die, freeze and come back at any moment; the run ends by itself with the adapters of an undisturbed one.
///
/// `scripts/chaos` runs the same with many more rounds.
@Suite("Chaos", .serialized)
struct ChaosTests {
    /// 36 steps of 12 samples in three epochs.
    private static let overrides = [
        "training.epochs=3", "training.checkpoint_steps=5", "evaluation.samples=0", "devices.publish_batch=2",
        "devices.credit_bytes=8KiB", "devices.balance=fixed",
    ]

    private static let seed = ProcessInfo.processInfo.environment["PERMAFROST_SEED"].flatMap { UInt64($0) } ?? 1
    private static let rounds = ProcessInfo.processInfo.environment["PERMAFROST_CHAOS_ROUNDS"].flatMap { Int($0) } ?? 2

    /// What a hand-over needs is in a test of its own.
    private static let points = Failpoint.allCases.filter { $0 != .duringMigration }

    @Test("a role killed at a failpoint comes back, and the run ends bit for bit as undisturbed", arguments: points)
    func failpoints(_ point: Failpoint) throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let cluster = try Cluster(tiny, Self.overrides)
            let role =
                switch point {
                case .deviceAfterCompute, .deviceAfterSend, .deviceAfterAck: "device-2"
                case .beforeRecord, .afterRecord: "coordinator"
                default: "worker-1"
                }
            cluster.start(failpoint: (role, "\(point.rawValue):3"))
            try cluster.finish()
            #expect(cluster.roles.first { $0.name == role }?.deaths == 1, "\(cluster.logs)")
            try expectUndisturbed(cluster, undisturbed)
        }
    }

    @Test("processes die, freeze and restart, and links fail, at random moments", arguments: 0..<rounds)
    func randomMoments(round: Int) throws {
        var chance = SeededGenerator(seed: Self.seed, stream: "chaos/\(round)")
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let cluster = try Cluster(tiny, Self.overrides, keys: round % 2 == 0, isProxied: true)
            cluster.start(cluster.roles.shuffled(using: &chance))
            var story: [String] = []
            for _ in 0..<8 {
                let blow = Blow.random(using: &chance)
                // The moment is the chance of this test, not a wait for something.
                usleep(UInt32.random(in: 20_000...600_000, using: &chance))
                story.append(blow.strike(cluster, using: &chance))
            }
            print("chaos seed \(Self.seed) round \(round): \(story.joined(separator: ", "))")
            try cluster.finish()
            try expectUndisturbed(cluster, undisturbed)
        }
    }

    @Test(
        "where steps follow arrivals, every recorded step stays what it was, whoever dies when",
        arguments: ["full-epoch", "available"], 0..<rounds)
    func orders(order: String, round: Int) throws {
        var chance = SeededGenerator(seed: Self.seed, stream: "chaos/\(order)/\(round)")
        try TinyModel.use { tiny in
            let cluster = try Cluster(tiny, Self.overrides + ["training.order=\(order)"], isProxied: true)
            // Random moments seldom meet a step: somebody dies between two of them for sure.
            let points: [(role: String, Failpoint)] = [
                ("worker-1", .duringCheckpoint), ("worker-1", .afterOptimizerStep), ("coordinator", .beforeRecord),
                ("coordinator", .afterRecord),
            ]
            let (role, point) = points[Int.random(in: 0..<points.count, using: &chance)]
            let setting = "\(point.rawValue):\(Int.random(in: 2...20, using: &chance))"
            cluster.start(cluster.roles.shuffled(using: &chance), failpoint: (role, setting))
            var story = ["\(role) dies \(setting)"]
            for _ in 0..<6 {
                let blow = Blow.random(using: &chance)
                usleep(UInt32.random(in: 20_000...600_000, using: &chance))
                story.append(blow.strike(cluster, using: &chance))
            }
            try cluster.finish()
            story.append("\(try cluster.expectOnePast()) steps taken again")
            print("chaos seed \(Self.seed) \(order) round \(round): \(story.joined(separator: ", "))")
            guard order == "full-epoch" else { return }
            try cluster.expectEverySampleOnce(samples: cluster.samples(), epochs: 3)
        }
    }

    @Test("drained in the middle of training, a worker hands over, whoever dies meanwhile", arguments: 0..<3)
    func migration(victim: Int) throws {
        try TinyModel.use { tiny in
            let overrides = Self.overrides + ["training.epochs=40"]
            let undisturbed = try tiny.trainUndisturbed(overrides)
            let cluster = try Cluster(tiny, overrides, workers: 2)
            cluster.coordinator.start()
            cluster.workers[0].start()
            for device in cluster.devices { device.start() }
            _ = try #require(cluster.workers[0].line(beginningWith: "step 12/", within: 60), "\(cluster.logs)")
            cluster.workers[1].start(failpoint: victim == 1 ? "during-migration:2" : nil)
            _ = try #require(cluster.workers[1].line(beginningWith: "joined", within: 60), "\(cluster.logs)")
            let drained = try tiny.run("workers", "drain", "worker-1", "--state", "coordinator")
            try #require(drained.exitCode == 0, "\(drained.errors)")
            if victim == 2 {
                _ = try #require(cluster.workers[0].line(beginningWith: "draining", within: 60), "\(cluster.logs)")
                cluster.workers[0].signal(SIGKILL)
            }
            try cluster.finish()
            #expect(try RunFiles(folder: cluster.runFolder(of: cluster.workers[1])).trained() == undisturbed.trained())
            let summary = try undisturbed.summary()
            try cluster.expectEverySampleOnce(
                samples: Int(summary.number("train_samples")), epochs: Int(summary.number("epochs")))
        }
    }

    private func expectUndisturbed(_ cluster: Cluster, _ undisturbed: RunFiles) throws {
        #expect(try cluster.trained().trained() == undisturbed.trained())
        let summary = try undisturbed.summary()
        try cluster.expectEverySampleOnce(
            samples: Int(summary.number("train_samples")), epochs: Int(summary.number("epochs")))
    }
}
