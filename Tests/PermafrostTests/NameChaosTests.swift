import Foundation
import Testing

/// Real processes that reach each other by names while the name server fails.
@Suite(
    "Names that cannot be resolved", .serialized, .timeLimit(.minutes(2)),
    .enabled(if: NameServer.isPossible && SmallDisk.isPossible, "only root can have a name server of its own"))
struct NameChaosTests {
    private static let overrides = [
        "training.epochs=40", "training.checkpoint_steps=5", "evaluation.samples=0", "devices.publish_batch=2",
        "devices.credit_bytes=8KiB", "devices.balance=fixed",
    ]

    /// How long names fail in the middle of the run.
    private static let outageSeconds = 30.0

    /// Gives a process a list of name servers of its own.
    private static let prefix = [
        "unshare", "--mount", "sh", "-c", "mount --bind resolv.conf /etc/resolv.conf && exec \"$@\"", "sh",
    ]

    @Test("a name server that fails before a run and in the middle of it costs time, and nothing else")
    func outage() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            try "nameserver \(NameServer.address)\noptions timeout:1 attempts:1\n"
                .write(to: tiny.path("resolv.conf"), atomically: true, encoding: .utf8)
            let names = try #require(NameServer())
            defer { names.stop() }
            let cluster = try Cluster(
                tiny, Self.overrides, isProxied: true, host: "permafrost-here.test", prefix: Self.prefix)
            cluster.start()
            #expect(names.hasFailed(20, within: 30), "\(cluster.logs)")
            names.setFailing(false)
            _ = try #require(cluster.workers[0].line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            names.setFailing(true)
            let end = Date(timeIntervalSinceNow: Self.outageSeconds)
            for proxy in cluster.proxies { proxy.resetConnections() }
            #expect(names.hasFailed(20, within: 30), "\(cluster.logs)")
            Thread.sleep(until: end)
            names.setFailing(false)
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
        }
    }
}
