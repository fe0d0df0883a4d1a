import Datasets
import Methods
import Models
import Queueing
import Randomness
import Support
import Tensors
import Testing
import Wire

@testable import Device

/// What a device over real sockets needs: a tiny model, a shard, and a coordinator that is led by hand.
final class DeviceScene {
    static let samples = 10

    let context: ZeroMQContext
    let coordinator: HandPeer
    let examples: [EncodedExample]
    private let forward: FrozenForward
    /// The same, with all blocks in memory from the start.
    private let reference: FrozenForward
    private let pool = ComputePool(threads: 1)
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: 16, maximumCut: 4, targetLimit: 2, maximumLength: 9)

    init(context: ZeroMQContext, coordinatorSecurity: SocketSecurity = .insecure) throws {
        self.context = context
        coordinator = try HandPeer("coordinator", context: context, security: coordinatorSecurity)
        let source = try RandomModelSource()
        forward = FrozenForward(
            model: try LanguageModel(source: source, maximumTokens: 32, loading: .whenAsked))
        reference = FrozenForward(model: try LanguageModel(source: source, maximumTokens: 32))
        var chance = SeededGenerator(seed: 8, stream: "device-loop")
        examples = (0..<Self.samples).map { index in
            let tokens = (0..<Int.random(in: 1...9, using: &chance)).map { _ in
                Int32.random(in: 0..<50, using: &chance)
            }
            return EncodedExample(tokens: tokens, label: index % 2)
        }
    }

    /// Tokens of all samples.
    var tokens: Int { examples.reduce(0) { $0 + $1.tokens.count } }

    var groups: [PublicationGroup] {
        SampleOrder.publication(
            seed: 7, device: 0, lengths: examples.map(\.tokens.count), epoch: 1, groupSize: 3, maximumTokens: 65536)
    }

    /// A device that sends heartbeats often and gives up after two refusals.
    func device(change: (inout Device.Configuration) -> Void = { _ in }) -> Device {
        var configuration = Device.Configuration(
            run: "run", id: "d", coordinatorEndpoint: coordinator.endpoint, publishBatch: 3, codec: .f32)
        configuration.security = .insecure
        configuration.staysUntilStopped = true
        configuration.heartbeatInterval = .milliseconds(100)
        configuration.maximumAttempts = 2
        change(&configuration)
        return Device(configuration, context: context, examples: examples, forward: forward, pool: pool)
    }

    func assign(
        _ worker: HandPeer, at endpoint: String? = nil, by coordinator: HandPeer? = nil, cut: UInt32 = 2,
        generation: UInt64 = 1, key: CurvePublicKey? = nil
    ) throws {
        try (coordinator ?? self.coordinator).send(
            .assignment(
                Body.Assignment(
                    cut: cut, workerEndpoint: endpoint ?? worker.endpoint, seed: 7, generation: generation, number: 0,
                    epoch: 1, worker: worker.id, workerKey: key?.z85 ?? "")))
    }

    /// Waits for the device's Hello and welcomes it.
    func welcome(_ worker: HandPeer, credit: UInt64 = 1 << 20, settled: [ClosedRange<UInt64>] = []) throws {
        #expect(try worker.next(\.hello).samples == UInt64(Self.samples))
        try worker.send(.welcome(Body.Welcome(creditBytes: credit, settled: settled)))
    }

    /// Takes the next part, which must be right to the last bit, and acknowledges it.
    func take(from worker: HandPeer, cut: Int = 2) throws -> Body.Activations {
        let (header, payload) = try worker.nextPart()
        let checked = try payload.withUnsafeBytes { bytes in
            try check.check(header, run: "run", payloads: [bytes], owns: { $0 < UInt64(Self.samples) })
        }
        let group = groups[Int(header.sequence) - 1]
        #expect(checked.samples.map(\.id) == group.samples.map(UInt64.init) && checked.cut == cut)
        let whole = try reference.activations(of: group.samples.map { examples[$0].tokens }, cut: cut)
        let expected = UnsafeBufferPointer(start: whole.base, count: whole.count)
            .dropFirst(checked.partRows.lowerBound * 16).prefix(checked.partRows.count * 16)
        #expect(payload.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == Array(expected))
        try worker.acknowledge(header, bytes: payload.count)
        return header
    }
}
