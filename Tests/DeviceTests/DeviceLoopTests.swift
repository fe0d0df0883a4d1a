import Device
import Diagnostics
import Queueing
import Synchronization
import Testing
import Wire

/// A device over real sockets, between a coordinator and a worker that are led by hand.
@Suite("Device over TCP", .timeLimit(.minutes(2)))
struct DeviceLoopTests {
    private let scene: DeviceScene

    init() throws { scene = try DeviceScene(context: ZeroMQContext()) }

    @Test("a device publishes every sample bit for bit, in parts, tells its measures, stays, and leaves when it may")
    func wholeRun() throws {
        let worker = try HandPeer("worker", context: scene.context)
        let device = scene.device { $0.partBytes = 5 * 64 }
        let events = Mutex<[DeviceEvent]>([])
        let role = RoleThread { try device.run { event in events.withLock { $0.append(event) } } }
        #expect(try scene.coordinator.next(\.register).samples == UInt64(DeviceScene.samples))
        try scene.assign(worker)
        try scene.welcome(worker)
        var rows: [UInt64: [Range<Int>]] = [:]
        let total = scene.tokens
        while rows.values.joined().reduce(0, { $0 + $1.count }) < total {
            let part = try scene.take(from: worker)
            rows[part.sequence, default: []].append(try #require(part.partRows))
        }
        #expect(rows.count == scene.groups.count && rows.values.contains { $0.count > 1 })
        #expect(try worker.next(\.finished) == Body.Finished(messages: 4, samples: 10))
        let progress = try scene.coordinator.next { body in body.progress.flatMap { $0.finished ? $0 : nil } }
        #expect(progress.publishedSamples == 10 && progress.tokens == UInt64(total))
        #expect(progress.blockTokens == UInt64(total) * 2 && progress.cut == 2 && progress.generation == 1)
        #expect(progress.uplinkBytesPerSecond > 0 && progress.computeNanoseconds > 0)
        // It stays, and shows that it is there.
        for _ in 0..<3 {
            _ = try worker.next { $0.isHeartbeat ? true : nil }
        }
        try scene.coordinator.send(.stop(Body.Stop(reason: "the run is over")))
        #expect(try worker.next(\.goodbye) == "the run is over")
        #expect(try scene.coordinator.next(\.goodbye) == "the run is over")
        #expect(role.hasEnded() && role.error == nil)
        events.withLock { events in
            #expect(
                events.prefix(2) == [
                    .assigned(cut: 2, generation: 1, worker: "worker"),
                    .joined(worker: "worker", settled: 0, samples: 10),
                ])
            #expect(events.suffix(2) == [.published(samples: 10, of: 10), .stopped(reason: "the run is over")])
        }
    }

    @Test("a worker that vanishes and returns gets what it has not stored, and what it has lost, and nothing else")
    func vanishingWorker() throws {
        let worker = try HandPeer("worker", context: scene.context)
        let device = scene.device()
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker)
        try scene.welcome(worker)
        #expect(try [scene.take(from: worker), scene.take(from: worker)].map(\.sequence) == [1, 2])
        worker.close()

        let second = try HandPeer("worker", context: scene.context, at: worker.endpoint)
        try scene.welcome(second, settled: [1...2])
        #expect(try [scene.take(from: second), scene.take(from: second)].map(\.sequence) == [3, 4])
        #expect(try second.next(\.finished).messages == 4)
        second.close()

        let third = try HandPeer("worker", context: scene.context, at: worker.endpoint)
        try scene.welcome(third, settled: [1...1, 3...4])
        #expect(try scene.take(from: third).sequence == 2)
        #expect(try third.next(\.finished).messages == 4)
        try third.send(.stop(Body.Stop(reason: "enough")))
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a coordinator that vanishes changes nothing; to one that returns the device registers and is sent elsewhere")
    func vanishingCoordinator() throws {
        let worker = try HandPeer("worker", context: scene.context)
        let device = scene.device()
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker)
        try scene.welcome(worker)
        scene.coordinator.close()
        _ = try scene.take(from: worker)

        let returned = try HandPeer("coordinator", context: scene.context, at: scene.coordinator.endpoint)
        #expect(try returned.next(\.register).samples == UInt64(DeviceScene.samples))
        let successor = try HandPeer("successor", context: scene.context)
        try scene.assign(successor, by: returned, cut: 3, generation: 2)
        try scene.welcome(successor, settled: [1...3])
        let (header, _) = try successor.nextPart()
        #expect(header.sequence == 4)
        device.stop()
        #expect(try returned.next(\.goodbye) == "the device was told to stop")
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a device that the worker does not know greets in a new session, on the same connection")
    func unknownSession() throws {
        let worker = try HandPeer("worker", context: scene.context)
        let device = scene.device()
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker)
        try scene.welcome(worker)
        let first = worker.session
        _ = try worker.nextPart()
        try worker.send(.reject(Body.Reject(sequence: 1, error: .unknownSession)))
        try scene.welcome(worker)
        #expect(worker.session != first && worker.session != 0)
        #expect(try scene.take(from: worker).sequence == 1)
        #expect(worker.attempt == 2)
        device.stop()
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a simulated weaker device takes at least as long as it says that it computed")
    func slowdown() throws {
        let worker = try HandPeer("worker", context: scene.context)
        let device = scene.device { ($0.pace, $0.staysUntilStopped) = (.slower(100), false) }
        let start = ContinuousClock.now
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker)
        try scene.welcome(worker)
        for _ in scene.groups { _ = try scene.take(from: worker) }
        let progress = try scene.coordinator.next { body in body.progress.flatMap { $0.finished ? $0 : nil } }
        #expect(progress.computeNanoseconds > 0)
        #expect((ContinuousClock.now - start).nanoseconds >= progress.computeNanoseconds)
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a device that need not stay leaves when everything is stored")
    func leaving() throws {
        let worker = try HandPeer("worker", context: scene.context)
        let device = scene.device { $0.staysUntilStopped = false }
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker)
        try scene.welcome(worker, settled: [2...4])
        #expect(try scene.take(from: worker).sequence == 1)
        #expect(try worker.next(\.finished).messages == 4)
        #expect(try scene.coordinator.next { $0.progress?.finished == true ? true : nil })
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a message that is refused too often ends the device, and the coordinator hears why")
    func refused() throws {
        let worker = try HandPeer("worker", context: scene.context)
        let device = scene.device()
        let role = RoleThread { try device.run() }
        _ = try scene.coordinator.next(\.register)
        try scene.assign(worker)
        try scene.welcome(worker)
        for attempt in 1...2 {
            while try worker.nextPart().header.sequence != 1 {}
            #expect(worker.attempt == attempt)
            try worker.send(.reject(Body.Reject(sequence: 1, error: .noSamples)))
        }
        let failure = try scene.coordinator.next(\.failed)
        #expect(failure.exitCode == ExitCode.messageRejected.rawValue && failure.problem.contains("protocol error 30"))
        #expect(role.hasEnded() && role.error is PublishError)
    }

    @Test("a stop before the start is heard, and nobody has to be there for it")
    func earlyStop() {
        let device = scene.device()
        device.stop()
        let role = RoleThread { try device.run() }
        #expect(role.hasEnded() && role.error == nil)
    }
}
