import Device
import Faults
import Queueing
import Testing
import Wire

@Suite("Device over bad and guarded networks", .timeLimit(.minutes(2)))
struct DeviceNetworkTests {
    @Test("over a slow link everything arrives, and nothing twice, although it takes longer than the time-out")
    func slowLink() throws {
        let scene = try DeviceScene(context: ZeroMQContext())
        let worker = try HandPeer("worker", context: scene.context)
        let proxy = try TCPFaultProxy(upstream: worker.endpoint)
        let device = scene.device {
            $0.partBytes = 128
            $0.acknowledgementTimeout = .milliseconds(800)
        }
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker, at: proxy.endpoint)
        try scene.welcome(worker)
        proxy.change { $0.bytesPerSecond = 2000 }
        let start = ContinuousClock.now
        var rows = 0
        while rows < scene.tokens {
            rows += try #require(try scene.take(from: worker).partRows).count
            #expect(worker.attempt == 1)
        }
        #expect(rows == scene.tokens && ContinuousClock.now - start > .milliseconds(1600))
        // Second copies would stand in line before it.
        #expect(try worker.next { $0.isHeartbeat ? nil : $0.name } == "Finished")
        try worker.send(.stop(Body.Stop(reason: "enough")))
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("connections that are reset again and again cost repetitions, not samples")
    func resets() throws {
        let scene = try DeviceScene(context: ZeroMQContext())
        let worker = try HandPeer("worker", context: scene.context)
        let proxy = try TCPFaultProxy(upstream: worker.endpoint)
        let device = scene.device { $0.partBytes = 128 }
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker, at: proxy.endpoint)
        var parts: [UInt64: Set<UInt32>] = [:]
        var settled: [ClosedRange<UInt64>] = []
        for round in 0... {
            try scene.welcome(worker, settled: settled)
            // In each connection one message more comes through, and the next one in part.
            guard settled.count < scene.groups.count else { break }
            while settled.count == round {
                let part = try scene.take(from: worker)
                parts[part.sequence, default: []].insert(part.part)
                if parts[part.sequence]?.count == Int(part.parts) { settled.append(part.sequence...part.sequence) }
            }
            proxy.resetConnections()
        }
        #expect(settled == scene.groups.map { $0.sequence...$0.sequence })
        #expect(try worker.next(\.finished).samples == UInt64(DeviceScene.samples))
        device.stop()
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("with keys the device reaches the worker by the key that the coordinator gives, and no worker without one")
    func keys() throws {
        let context = try ZeroMQContext()
        let (device, coordinator, worker) = try (
            CurveKeyPair.generate(), CurveKeyPair.generate(), CurveKeyPair.generate()
        )
        let authenticator = try Authenticator(context: context)
        for domain in ["coordinator", "worker"] {
            authenticator.enroll(device.publicKey, as: EnrolledPeer(role: .device, id: "d"), in: domain)
        }
        let scene = try DeviceScene(
            context: context, coordinatorSecurity: .server(coordinator, authenticator, domain: "coordinator"))
        let workerPeer = try HandPeer(
            "worker", context: context, security: .server(worker, authenticator, domain: "worker"))
        func start() -> RoleThread {
            let role = scene.device { $0.security = .client(device, server: coordinator.publicKey) }
            return RoleThread { try role.run() }
        }
        let honest = start()
        _ = try scene.coordinator.next(\.register)
        try scene.assign(workerPeer, key: worker.publicKey)
        try scene.welcome(workerPeer)
        _ = try scene.take(from: workerPeer)
        try workerPeer.send(.stop(Body.Stop(reason: "enough")))
        #expect(honest.hasEnded() && honest.error == nil)

        let misled = start()
        _ = try scene.coordinator.next(\.register)
        try scene.assign(workerPeer)
        #expect(misled.hasEnded())
        guard case .insecure? = misled.error as? TransportError else {
            Issue.record("\(String(describing: misled.error))")
            return
        }
    }
}
