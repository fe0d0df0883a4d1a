import Foundation
import Testing

/// Workers as stages, each a process: they die and freeze within steps, and the run trains what one place trains.
@Suite("Stages as processes", .serialized)
struct StagedClusterTests {
    /// 480 steps of 12 samples.
    private static let training = [
        "training.epochs=40", "evaluation.samples=0", "devices.publish_batch=2", "devices.credit_bytes=8KiB",
        "devices.balance=fixed", "model.frozen_blocks=1", "devices.cuts=[1,1,0,0]",
    ]
    private static let staged = training + ["pipeline.stages=3", "pipeline.placement=workers"]

    /// The first worker leads; all others are there before anything can be trained.
    private static func begin(_ cluster: Cluster, failpoint: (role: String, setting: String)? = nil) throws {
        for (place, role) in ([cluster.coordinator] + cluster.workers).enumerated() {
            role.start(failpoint: failpoint?.role == role.name ? failpoint?.setting : nil)
            guard place > 0 else { continue }
            _ = try #require(role.line(beginningWith: "joined", within: 60), "\(cluster.logs)")
        }
        for device in cluster.devices { device.start() }
    }

    private static func expectUndisturbed(_ cluster: Cluster, _ undisturbed: RunFiles) throws {
        try cluster.finish()
        #expect(try RunFiles(folder: cluster.runFolder(of: cluster.workers[0])).trained() == undisturbed.trained())
        try cluster.expectEverySampleOnce(samples: cluster.samples(), epochs: 40)
    }

    @Test(
        "three processes as stages train what one place trains, to the bit, and the one that dies in B does not matter",
        arguments: ["worker-2", "worker-3"])
    func dies(victim: String) throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.training)
            let cluster = try Cluster(tiny, Self.staged + ["pipeline.schedule=1f1b"], workers: 3, keys: true)
            // Nobody but a stage that walks gets there.
            try Self.begin(cluster, failpoint: (victim, "between-backward-and-weights:20"))
            try Self.expectUndisturbed(cluster, undisturbed)
            #expect(cluster.roles.first { $0.name == victim }?.deaths == 1, "\(cluster.logs)")
        }
    }

    @Test(
        "two pipelines of two processes train what one place trains, to the bit, whoever of the second one dies",
        arguments: ["worker-2", "worker-4"])
    func pipelines(victim: String) throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.training)
            let settings = [
                "pipeline.stages=2", "pipeline.placement=workers", "pipeline.replicas=2", "pipeline.schedule=1f1b",
            ]
            let cluster = try Cluster(tiny, Self.training + settings, workers: 4, keys: true)
            // Workers have their places in the order in which they come.
            try Self.begin(cluster, failpoint: (victim, "between-backward-and-weights:20"))
            try Self.expectUndisturbed(cluster, undisturbed)
            #expect(cluster.roles.first { $0.name == victim }?.deaths == 1, "\(cluster.logs)")
        }
    }

    @Test("a stage's process that is frozen is named and not waited for, and goes on afterwards")
    func freezes() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.training)
            let cluster = try Cluster(tiny, Self.staged, workers: 3)
            try Self.begin(cluster)
            let leader = cluster.workers[0], frozen = cluster.workers[2]
            _ = try #require(leader.line(beginningWith: "replica   worker-3", within: 60), "\(cluster.logs)")
            // After the first epoch nobody needs the samples that its devices have sent it.
            _ = try #require(leader.line(beginningWith: "step 36/", within: 60), "\(cluster.logs)")
            frozen.signal(SIGSTOP)
            let line = leader.line(beginningWith: "stages ", within: 60)
            frozen.signal(SIGCONT)
            #expect(line?.contains("worker-3") == true, "\(cluster.logs)")
            try Self.expectUndisturbed(cluster, undisturbed)
        }
    }
}
