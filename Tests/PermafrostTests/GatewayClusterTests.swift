import Foundation
import Support
import Testing

/// Real processes, of which devices reach the others through a gateway alone.
@Suite("Devices behind a gateway", .serialized, .timeLimit(.minutes(2)))
struct GatewayClusterTests {
    private static let overrides = [
        "training.epochs=60", "training.checkpoint_steps=100000", "evaluation.samples=0", "devices.publish_batch=2",
        "devices.credit_bytes=8KiB", "devices.balance=fixed",
    ]

    @Test("they train what they train without it; before it is there nobody is heard of, and killed it costs only time")
    func gateway() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let ports = try FreePorts.take(2)
            let place = "127.0.0.1:\(ports[0])"
            let cluster = try Cluster(
                tiny, Self.overrides, keys: true,
                options: { $0.hasPrefix("device-") ? ["--gateway", place] : [] })
            let gateway = SupervisedRole(
                "gateway",
                ["gateway", "--listen", place, "--http", "127.0.0.1:\(ports[1])"]
                    + cluster.places.flatMap { ["--allow", $0] }, in: tiny.folder)
            defer { gateway.letGo() }
            cluster.start()
            _ = try #require(
                cluster.coordinator.line(beginningWith: "here      worker-1", within: 60), "\(cluster.logs)")
            #expect(!cluster.coordinator.log.contains("here      device-"), "\(cluster.logs)")

            gateway.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            let metrics = try HTTPClient(port: ports[1]).get("/metrics")
            // Of the four devices two each, though the first step need not wait for all of them.
            #expect(metrics.contains(/\npermafrost_gateway_connections [5-8]\.0\n/), "\(metrics)")
            gateway.signal(SIGKILL)
            _ = try #require(cluster.devices[0].line(beginningWith: "lost ", within: 60), "\(cluster.logs)")
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
            #expect(gateway.deaths == 1)

            gateway.signal(SIGTERM)
            #expect(gateway.exitCode(within: 10) == 0, "\(gateway.log)")
            for role in cluster.places {
                let opened = gateway.log.split(separator: "\n").filter {
                    $0.hasPrefix("opened ") && $0.hasSuffix(" to \(role)")
                }
                #expect(opened.count >= 8, "four devices, twice: \(gateway.log)")
            }
        }
    }
}
