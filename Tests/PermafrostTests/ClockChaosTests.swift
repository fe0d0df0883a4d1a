import Foundation
import Ledger
import Testing

/// Real processes whose time of day jumps.
@Suite("Clocks that jump", .serialized, .timeLimit(.minutes(2)))
struct ClockChaosTests {
    private static let overrides = [
        "training.epochs=80", "training.batch=12", "training.micro_batch=2", "training.checkpoint_steps=20",
        "evaluation.samples=0", "devices.balance=fixed", "pipeline.replicas=2", "threads=1",
    ]

    @Test("a time of day that jumps by days, back and forth, ends no wait, prolongs none and loses nobody")
    func jumps() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let clock = try WallClock(in: tiny.folder)
            let cluster = try Cluster(tiny, Self.overrides, workers: 2, prefix: clock.prefix)
            let leader = cluster.workers[0], replica = cluster.workers[1]
            cluster.start([cluster.coordinator, leader] + cluster.devices)
            _ = try #require(leader.line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            replica.start()
            _ = try #require(leader.line(beginningWith: "replica   worker-2 ", within: 60), "\(cluster.logs)")
            for hours in [48, -48, 24] { try clock.set(hours: hours) }
            // While days lie between this time of day and the system's, the leader waits no longer than it has to.
            replica.signal(SIGSTOP)
            #expect(leader.line(beginningWith: "late      worker-2 ", within: 20) != nil, "\(cluster.logs)")
            replica.signal(SIGCONT)
            for role in [cluster.devices[0], cluster.coordinator] { role.restart() }
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
            let away = cluster.coordinator.log.split(separator: "\n").filter { $0.hasPrefix("away      ") }
            #expect(
                away.allSatisfy { $0.hasPrefix("away      worker-2") || $0.hasPrefix("away      device-1") }, "\(away)")
        }
    }
}
