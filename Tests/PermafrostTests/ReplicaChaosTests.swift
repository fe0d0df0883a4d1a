import Faults
import Foundation
import Ledger
import Randomness
import Testing

/// Real processes that share the steps of a run come, go, die and freeze; the run ends by itself with the adapters of an
/// undisturbed one.
///
/// `scripts/chaos` runs the same with many more rounds, and for minutes.
@Suite("Chaos with replicas", .serialized)
struct ReplicaChaosTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed = environment["PERMAFROST_SEED"].flatMap { UInt64($0) } ?? 1
    private static let rounds = environment["PERMAFROST_CHAOS_ROUNDS"].flatMap { Int($0) } ?? 1
    private static let minutes = environment["PERMAFROST_REPLICAS_MINUTES"].flatMap { Double($0) } ?? 0

    /// Six micro-batches in each step.
    private static func overrides(epochs: Int) -> [String] {
        [
            "training.epochs=\(epochs)", "training.batch=12", "training.micro_batch=2", "training.checkpoint_steps=20",
            "evaluation.samples=0", "devices.balance=fixed", "pipeline.replicas=3", "threads=1",
        ]
    }

    /// A run of a worker, to which two others come while it trains.
    private static func scaledUp(_ tiny: TinyModel, _ overrides: [String], keys: Bool = false) throws -> Cluster {
        let cluster = try Cluster(tiny, overrides, workers: 3, keys: keys, isProxied: true)
        cluster.start([cluster.coordinator, cluster.workers[0]] + cluster.devices)
        _ = try #require(cluster.workers[0].line(beginningWith: "step ", within: 60), "\(cluster.logs)")
        for worker in cluster.workers.dropFirst() { worker.start() }
        for worker in cluster.workers.dropFirst() {
            let line = "replica   \(worker.name) "
            _ = try #require(cluster.workers[0].line(beginningWith: line, within: 60), "\(cluster.logs)")
        }
        return cluster
    }

    /// Drains everybody who does not lead; they have to leave.
    private static func scaleDown(_ cluster: Cluster) throws {
        for _ in 0..<3 {
            guard let owner = try cluster.owner() else { break }
            for worker in cluster.workers where worker.name != owner.name && worker.exitCode(within: 0) == nil {
                _ = try cluster.tiny.run("workers", "drain", worker.name, "--state", "coordinator")
            }
            // Nobody hands over any more, unless somebody died or was restarted just now.
            if cluster.workers.count(where: { $0.name != owner.name && $0.exitCode(within: 10) == nil }) == 0 { break }
        }
    }

    @Test("from one worker to three and back, whoever dies, freezes or is restarted meanwhile", arguments: 0..<rounds)
    func scale(round: Int) throws {
        var chance = SeededGenerator(seed: Self.seed, stream: "chaos/replicas/\(round)")
        try TinyModel.use { tiny in
            let overrides = Self.overrides(epochs: 80)
            let undisturbed = try tiny.trainUndisturbed(overrides)
            let cluster = try Self.scaledUp(tiny, overrides, keys: round % 2 == 1)
            var story: [String] = []
            for _ in 0..<6 {
                usleep(UInt32.random(in: 20_000...400_000, using: &chance))
                story.append(Blow.random(using: &chance).strike(cluster, using: &chance))
            }
            try Self.scaleDown(cluster)
            try cluster.finish()
            print("chaos with replicas, seed \(Self.seed) round \(round): \(story.joined(separator: ", "))")
            try cluster.expectTrained(as: undisturbed)
        }
    }

    @Test("a replica that is frozen for five seconds is late, is named, and helps again")
    func frozen() throws {
        try TinyModel.use { tiny in
            let overrides = Self.overrides(epochs: 120)
            let undisturbed = try tiny.trainUndisturbed(overrides)
            let cluster = try Self.scaledUp(tiny, overrides)
            let leader = cluster.workers[0], replica = cluster.workers[1]
            let before = leader.count(ofLinesBeginningWith: "replica   \(replica.name) ")
            replica.signal(SIGSTOP)
            sleep(5)
            replica.signal(SIGCONT)
            #expect(leader.line(beginningWith: "late      \(replica.name) ", within: 30) != nil, "\(cluster.logs)")
            let end = ContinuousClock.now + .seconds(30)
            while leader.count(ofLinesBeginningWith: "replica   \(replica.name) ") == before, ContinuousClock.now < end
            {
                usleep(5000)
            }
            #expect(leader.count(ofLinesBeginningWith: "replica   \(replica.name) ") > before, "\(cluster.logs)")
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
        }
    }

    @Test("kill -9 of a random replica every 20 seconds", .enabled(if: minutes > 0))
    func killed() throws {
        var chance = SeededGenerator(seed: Self.seed, stream: "chaos/replicas/killed")
        try TinyModel.use { tiny in
            // More than can be trained meanwhile.
            let overrides = Self.overrides(epochs: Int(500 * Self.minutes))
            let undisturbed = try tiny.startUndisturbed(overrides, within: 120 * Self.minutes + 600)
            let cluster = try Self.scaledUp(tiny, overrides)
            let end = ContinuousClock.now + .seconds(60 * Self.minutes)
            var deaths = 0
            while ContinuousClock.now < end, cluster.coordinator.exitCode(within: 20) == nil {
                guard let owner = try cluster.owner() else { continue }
                let replicas = cluster.workers.filter { $0.name != owner.name }
                replicas.randomElement(using: &chance)?.signal(SIGKILL)
                deaths += 1
            }
            let steps = try cluster.steps()
            try Self.scaleDown(cluster)
            try cluster.finish(within: 60 * Self.minutes + 600)
            print("chaos with replicas, seed \(Self.seed): \(deaths) killed within \(steps) steps")
            #expect(deaths >= Int(3 * Self.minutes) - 1, "the run ended too soon")
            try cluster.expectTrained(as: tiny.undisturbed(undisturbed))
        }
    }
}

extension Cluster {
    /// The worker that trains, as the ledger knows.
    func owner() throws -> SupervisedRole? {
        let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
        guard let run = try ledger.runs().first else { return nil }
        let owner = try ledger.state(of: run.id).workers.first { $0.state == .training || $0.state == .draining }
        return workers.first { $0.name == owner?.id }
    }

    /// The worker that took the last step.
    func lastOwner() throws -> SupervisedRole? {
        let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
        guard let run = try ledger.runs().first else { return nil }
        let name = try ledger.state(of: run.id).newestStep?.worker
        return workers.first { $0.name == name }
    }

    /// Steps that are recorded.
    func steps() throws -> Int {
        let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
        return try ledger.runs().first?.step ?? 0
    }
}

extension SupervisedRole {
    /// Lines that it has printed so far.
    func count(ofLinesBeginningWith prefix: String) -> Int {
        log.split(separator: "\n").count { $0.hasPrefix(prefix) }
    }
}
