import Datasets
import Methods
import Queueing
import Tensors
import Testing
import Wire

/// A planned device played by hand: it lies, or vanishes.
struct HostilePeer {
    let context: ZeroMQContext
    let id: String
    let examples: [EncodedExample]
    let forward: FrozenForward

    /// Everything that one message consists of.
    struct Message {
        var run = "run"
        var sender: String
        var activations: Body.Activations
        var payloads: [[UInt8]]
        /// In the place of the header.
        var garbage: [UInt8]?

        /// Puts another number in the payload, and states its checksum truly.
        mutating func set(_ index: Int, to value: Float) {
            withUnsafeBytes(of: value) { payloads[0].replaceSubrange(index * 4..<index * 4 + 4, with: $0) }
            activations.checksum = payloads[0].withUnsafeBytes { payloadChecksum($0) }
        }
    }

    struct Lie: Sendable {
        let number: UInt32
        /// Whether the worker can tell which message it refuses.
        var isAttributed = true
        let tell: @Sendable (inout Message) -> Void

        init(_ number: UInt32, isAttributed: Bool = true, _ tell: @escaping @Sendable (inout Message) -> Void) {
            self.number = number
            self.isAttributed = isAttributed
            self.tell = tell
        }
    }

    static let lies = [
        Lie(3, isAttributed: false) { $0.garbage = [0xFF, 0xFF, 0xFF, 0xFF, 0x07] },
        Lie(10, isAttributed: false) { $0.run = "another" },
        Lie(11, isAttributed: false) { $0.sender = "honest" },
        Lie(20) { $0.payloads = [] },
        Lie(21) { $0.payloads.append([1, 2, 3]) },
        Lie(21) { message in message.payloads = Array(repeating: message.payloads[0], count: 20) },
        Lie(23) { $0.payloads[0].removeLast() },
        Lie(23) { $0.activations.rows += 1 },
        Lie(24) { $0.activations.codec = 77 },
        Lie(25) { $0.payloads[0][5] ^= 1 },
        Lie(26) { $0.set(3, to: .nan) },
        Lie(26) { $0.set(0, to: .infinity) },
        Lie(30) { ($0.activations.sampleIDs, $0.activations.lengths, $0.activations.targetLengths) = ([], [], []) },
        Lie(32) { $0.activations.targetLengths.append(1) },
        Lie(33) { $0.activations.lengths[0] = .max },
        Lie(34) { $0.activations.rows = .max },
        Lie(36) { $0.activations.columns = 17 },
        Lie(37) { $0.activations.cut = 3 },
        Lie(38) { message in
            message.activations.sampleIDs += message.activations.sampleIDs
            message.activations.lengths += message.activations.lengths
            message.activations.targetLengths += message.activations.targetLengths
            message.activations.targets += message.activations.targets
        },
        Lie(39) { $0.activations.sampleIDs[0] = 1 << 40 },
        Lie(40) { $0.activations.targets[0] = 2 },
        Lie(40) { $0.activations.targets[0] = .max },
        Lie(42) { $0.activations.targets = Array(repeating: 0, count: 65537) },
        Lie(43) { ($0.activations.targetLengths[0], $0.activations.targets) = (0, []) },
        Lie(43) { $0.activations.targetLengths[0] = .max },
        Lie(44) { $0.activations.targets = [] },
        Lie(44) { $0.activations.targets.append(0) },
        Lie(52) { $0.activations.sequence = 5000 },
    ]

    /// Publishes its first sample as an honest device would, and is never heard of again.
    func publishOnceAndVanish(coordinatorEndpoint: String) throws {
        let (coordinator, worker, cut) = try join(coordinatorEndpoint)
        try send(try message(sample: 0, cut: cut), attempt: 1, on: worker)
        guard case .ack = try worker.next().body else {
            Issue.record("the message was not taken")
            return
        }
        try coordinator.channel.send(.deviceProgress(progress(samples: 1)))
    }

    /// Tells every lie, and after each the truth.
    func lieAndPublish(coordinatorEndpoint: String) throws {
        let (coordinator, worker, cut) = try join(coordinatorEndpoint)
        for (index, lie) in Self.lies.enumerated() {
            try tell(lie, index: index, insteadOf: try message(sample: index, cut: cut), on: worker)
        }
        try coordinator.channel.send(.deviceProgress(progress(samples: examples.count, finished: true)))
    }

    private func tell(_ lie: Lie, index: Int, insteadOf truth: Message, on worker: HandPeer) throws {
        var told = truth
        lie.tell(&told)
        try send(told, attempt: 1, on: worker)
        guard case .reject(let reject) = try worker.next().body else {
            Issue.record("lie \(index) was not refused")
            return
        }
        #expect(reject.number == lie.number, "lie \(index): \(reject.text)")
        #expect(reject.sequence == (lie.isAttributed ? told.activations.sequence : 0), "lie \(index)")
        try send(truth, attempt: 2, on: worker)
        guard case .ack(let ack) = try worker.next().body else {
            Issue.record("the truth after lie \(index) was not taken")
            return
        }
        #expect(ack.sequence == truth.activations.sequence)
    }

    private func join(_ coordinatorEndpoint: String) throws -> (coordinator: HandPeer, worker: HandPeer, cut: Int) {
        let coordinator = try HandPeer(.dealer, context: context, id: id)
        try coordinator.channel.socket.connect(coordinatorEndpoint)
        try coordinator.channel.send(
            .register(.init(role: .device, samples: UInt64(examples.count), threads: 1)))
        let assignment = try coordinator.next(\.assignment)

        let worker = try HandPeer(.dealer, context: context, id: id)
        try worker.channel.socket.connect(assignment.workerEndpoint)
        try worker.channel.send(.hello(.init(samples: UInt64(examples.count))))
        _ = try worker.next(\.credit)
        return (coordinator, worker, Int(assignment.cut))
    }

    private func progress(samples: Int, finished: Bool = false) -> Body.DeviceProgress {
        Body.DeviceProgress(
            publishedSamples: UInt64(samples), tokens: 0, computeNanoseconds: 0, bytesUp: 0, bytesDown: 0,
            finished: finished)
    }

    /// One sample as an honest device would send it.
    private func message(sample: Int, cut: Int) throws -> Message {
        let example = examples[sample]
        let activations = try forward.activations(of: [example.tokens], cut: cut)
        let payload = Array(UnsafeRawBufferPointer(start: activations.base, count: activations.count * 4))
        return Message(
            sender: id,
            activations: Body.Activations(
                sequence: UInt64(sample + 1), sampleIDs: [UInt64(sample)], lengths: [UInt32(example.tokens.count)],
                targetLengths: [UInt32(example.targets.count)], targets: example.targets.map(UInt32.init),
                cut: UInt32(cut), codec: PayloadCodec.f32.rawValue, rows: UInt32(example.tokens.count),
                columns: UInt32(forward.width),
                checksum: payload.withUnsafeBytes { payloadChecksum($0) }),
            payloads: [payload])
    }

    private func send(_ message: Message, attempt: UInt32, on peer: HandPeer) throws {
        let envelope = Envelope(
            run: message.run, sender: message.sender, attempt: attempt, body: .activations(message.activations))
        let header = Frame(message.garbage ?? envelope.encode())
        #expect(try peer.channel.socket.send([header] + message.payloads.map { Frame($0) }))
    }
}
