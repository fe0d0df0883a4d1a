import Datasets
import Diagnostics
import Methods
import Models
import Queueing
import Randomness
import Support
import Synchronization
import Tensors
import Testing
import Wire

@testable import Device

/// A device over real sockets, between a coordinator and a worker that are led by hand.
@Suite("Device over TCP", .timeLimit(.minutes(2)))
struct DeviceLoopTests {
    private static let samples = 10

    private let context: ZeroMQContext
    private let coordinator: HandPeer
    private let forward: FrozenForward
    private let pool = ComputePool(threads: 1)
    private let examples: [EncodedExample]
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: 16, maximumCut: 4, targetLimit: 2, maximumLength: 9)

    init() throws {
        context = try ZeroMQContext()
        coordinator = try HandPeer("coordinator", context: context)
        forward = FrozenForward(model: try LanguageModel(source: RandomModelSource(), maximumTokens: 32))
        var chance = SeededGenerator(seed: 8, stream: "device-loop")
        examples = (0..<Self.samples).map { index in
            let tokens = (0..<Int.random(in: 1...9, using: &chance)).map { _ in
                Int32.random(in: 0..<50, using: &chance)
            }
            return EncodedExample(tokens: tokens, label: index % 2)
        }
    }

    private func device(stays: Bool = true, partBytes: Int = 4 << 20) -> Device {
        var configuration = Device.Configuration(
            run: "run", id: "d", coordinatorEndpoint: coordinator.endpoint, publishBatch: 3, codec: .f32)
        configuration.security = .insecure
        configuration.staysUntilStopped = stays
        configuration.partBytes = partBytes
        configuration.heartbeatInterval = .milliseconds(100)
        configuration.maximumAttempts = 2
        return Device(configuration, context: context, examples: examples, forward: forward, pool: pool)
    }

    private var groups: [PublicationGroup] {
        SampleOrder.publication(
            seed: 7, device: 0, lengths: examples.map(\.tokens.count), epoch: 1, groupSize: 3, maximumTokens: 65536)
    }

    private func assign(_ worker: HandPeer, cut: UInt32 = 2, generation: UInt64 = 1) throws {
        try coordinator.send(
            .assignment(
                Body.Assignment(
                    cut: cut, workerEndpoint: worker.endpoint, seed: 7, generation: generation, number: 0, epoch: 1,
                    worker: worker.id)))
    }

    /// Waits for the device's Hello and welcomes it.
    private func welcome(_ worker: HandPeer, credit: UInt64 = 1 << 20, settled: [ClosedRange<UInt64>] = []) throws {
        #expect(try worker.next(\.hello).samples == UInt64(Self.samples))
        try worker.send(.welcome(Body.Welcome(creditBytes: credit, settled: settled)))
    }

    /// Takes the next part, which must be right to the last bit, and acknowledges it.
    private func take(from worker: HandPeer, cut: Int = 2) throws -> Body.Activations {
        let (header, payload) = try worker.nextPart()
        let checked = try payload.withUnsafeBytes { bytes in
            try check.check(header, run: "run", payloads: [bytes], owns: { $0 < UInt64(Self.samples) })
        }
        let group = groups[Int(header.sequence) - 1]
        #expect(checked.samples.map(\.id) == group.samples.map(UInt64.init) && checked.cut == cut)
        let whole = try forward.activations(of: group.samples.map { examples[$0].tokens }, cut: cut)
        let expected = UnsafeBufferPointer(start: whole.base, count: whole.count)
            .dropFirst(checked.partRows.lowerBound * 16).prefix(checked.partRows.count * 16)
        #expect(payload.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == Array(expected))
        try worker.acknowledge(header, bytes: payload.count)
        return header
    }

    @Test("a device publishes every sample bit for bit, in parts, tells its measures, stays, and leaves when it may")
    func wholeRun() throws {
        let worker = try HandPeer("worker", context: context)
        let device = device(partBytes: 5 * 64)
        let events = Mutex<[DeviceEvent]>([])
        let role = RoleThread { try device.run { event in events.withLock { $0.append(event) } } }
        #expect(try coordinator.next(\.register).samples == UInt64(Self.samples))
        try assign(worker)
        try welcome(worker)
        var rows: [UInt64: [Range<Int>]] = [:]
        let total = examples.reduce(0) { $0 + $1.tokens.count }
        while rows.values.joined().reduce(0, { $0 + $1.count }) < total {
            let part = try take(from: worker)
            rows[part.sequence, default: []].append(try #require(part.partRows))
        }
        #expect(rows.count == groups.count && rows.values.contains { $0.count > 1 })
        #expect(try worker.next(\.finished) == Body.Finished(messages: 4, samples: 10))
        let progress = try coordinator.next { body in body.progress.flatMap { $0.finished ? $0 : nil } }
        #expect(progress.publishedSamples == 10 && progress.tokens == UInt64(total))
        #expect(progress.blockTokens == UInt64(total) * 2 && progress.cut == 2 && progress.generation == 1)
        #expect(progress.uplinkBytesPerSecond > 0 && progress.computeNanoseconds > 0)
        // It stays, and shows that it is there.
        for _ in 0..<3 {
            _ = try worker.next { body in if case .heartbeat = body { true } else { nil } }
        }
        try coordinator.send(.stop(Body.Stop(reason: "the run is over")))
        #expect(try worker.next(\.goodbye) == "the run is over")
        #expect(try coordinator.next(\.goodbye) == "the run is over")
        #expect(role.hasEnded() && role.error == nil)
        events.withLock { events in
            #expect(events.prefix(2) == [
                .assigned(cut: 2, generation: 1, worker: "worker"),
                .joined(worker: "worker", settled: 0, samples: 10),
            ])
            #expect(events.suffix(2) == [.published(samples: 10, of: 10), .stopped(reason: "the run is over")])
        }
    }

    @Test("a worker that vanishes and returns gets what it has not stored, and what it has lost, and nothing else")
    func vanishingWorker() throws {
        let worker = try HandPeer("worker", context: context)
        let device = device()
        let role = RoleThread { try device.run() }
        _ = try coordinator.next(\.register)
        try assign(worker)
        try welcome(worker)
        #expect(try [take(from: worker), take(from: worker)].map(\.sequence) == [1, 2])
        worker.close()

        let second = try HandPeer("worker", context: context, at: worker.endpoint)
        try welcome(second, settled: [1...2])
        #expect(try [take(from: second), take(from: second)].map(\.sequence) == [3, 4])
        #expect(try second.next(\.finished).messages == 4)
        second.close()

        let third = try HandPeer("worker", context: context, at: worker.endpoint)
        try welcome(third, settled: [1...1, 3...4])
        #expect(try take(from: third).sequence == 2)
        #expect(try third.next(\.finished).messages == 4)
        try third.send(.stop(Body.Stop(reason: "enough")))
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a coordinator that vanishes changes nothing; when it returns the device registers and hears of another worker")
    func vanishingCoordinator() throws {
        let worker = try HandPeer("worker", context: context)
        let device = device()
        let role = RoleThread { try device.run() }
        _ = try coordinator.next(\.register)
        try assign(worker)
        try welcome(worker)
        coordinator.close()
        _ = try take(from: worker)

        let returned = try HandPeer("coordinator", context: context, at: coordinator.endpoint)
        #expect(try returned.next(\.register).samples == UInt64(Self.samples))
        let successor = try HandPeer("successor", context: context)
        try returned.send(
            .assignment(
                Body.Assignment(
                    cut: 3, workerEndpoint: successor.endpoint, seed: 7, generation: 2, number: 0, epoch: 1,
                    worker: "successor")))
        try welcome(successor, settled: [1...3])
        let (header, _) = try successor.nextPart()
        #expect(header.sequence == 4)
        device.stop()
        #expect(try returned.next(\.goodbye) == "the device was told to stop")
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a device that need not stay leaves when everything is stored")
    func leaving() throws {
        let worker = try HandPeer("worker", context: context)
        let device = device(stays: false)
        let role = RoleThread { try device.run() }
        _ = try coordinator.next(\.register)
        try assign(worker)
        try welcome(worker, settled: [2...4])
        #expect(try take(from: worker).sequence == 1)
        #expect(try worker.next(\.finished).messages == 4)
        #expect(try coordinator.next { $0.progress?.finished == true ? true : nil })
        #expect(role.hasEnded() && role.error == nil)
    }

    @Test("a message that is refused too often ends the device, and the coordinator hears why")
    func refused() throws {
        let worker = try HandPeer("worker", context: context)
        let device = device()
        let role = RoleThread { try device.run() }
        _ = try coordinator.next(\.register)
        try assign(worker)
        try welcome(worker)
        for attempt in 1...2 {
            while try worker.nextPart().header.sequence != 1 {}
            #expect(worker.attempt == attempt)
            try worker.send(.reject(Body.Reject(sequence: 1, error: .noSamples)))
        }
        let failure = try coordinator.next(\.failed)
        #expect(failure.exitCode == ExitCode.messageRejected.rawValue && failure.problem.contains("protocol error 30"))
        #expect(role.hasEnded() && role.error is PublishError)
    }

    @Test("a stop before the start is heard, and nobody has to be there for it")
    func earlyStop() {
        let device = device()
        device.stop()
        let role = RoleThread { try device.run() }
        #expect(role.hasEnded() && role.error == nil)
    }
}
