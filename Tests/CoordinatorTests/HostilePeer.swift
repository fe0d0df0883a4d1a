import Datasets
import Methods
import Queueing
import Tensors
import Testing
import Wire

/// A planned device played by hand: it lies, or vanishes.
struct HostilePeer {
    let id: String
    let examples: [EncodedExample]
    let run: TinyRun

    /// Everything that one message consists of.
    struct Message {
        var run = "run"
        var sender: String
        /// What is added to the true session.
        var sessionOffset: UInt64 = 0
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
        Lie(12) { $0.sessionOffset = 1 },
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
        Lie(45) { ($0.activations.part, $0.activations.parts) = (2, 2) },
        Lie(45) { ($0.activations.part, $0.activations.parts) = (0, .max) },
        Lie(52) { $0.activations.sequence = 0 },
        Lie(52) { $0.activations.sequence = UInt64(Self.sampleCount) + 1 },
        Lie(52) { $0.activations.sequence = .max },
    ]

    /// One for each lie, and three for what takes more than one message.
    static var sampleCount: Int { lies.count + 3 }

    /// Publishes its first sample as an honest device would, and is never heard of again.
    func publishOnceAndVanish(_ context: ZeroMQContext) throws {
        let (coordinator, worker, cut) = try join(context)
        try send(try message(sample: 0, cut: cut), attempt: 1, on: worker)
        #expect(try worker.next(\.ack).sequence == 1)
        try coordinator.say(.deviceProgress(progress(samples: 1)))
        // The coordinator has heard it when it answers what comes after it.
        try coordinator.say(.heartbeat(time: 1))
        _ = try coordinator.next { if case .heartbeatReply = $0.body { true } else { nil } }
    }

    /// Tells every lie, and after each the truth.
    func lieAndPublish(_ context: ZeroMQContext) throws {
        let (coordinator, worker, cut) = try join(context)
        for (index, lie) in Self.lies.enumerated() {
            try tell(lie, index: index, insteadOf: try message(sample: index, cut: cut), on: worker)
        }
        try contradictItself(try message(sample: Self.lies.count, cut: cut), on: worker)
        try greetAgainAndAgain(try message(sample: Self.lies.count + 1, cut: cut), on: worker)
        try repeatYesterday(try message(sample: Self.lies.count + 2, cut: cut), on: worker)
        try coordinator.say(.deviceProgress(progress(samples: examples.count, finished: true)))
        _ = try coordinator.next { if case .stop = $0.body { true } else { nil } }
    }

    private func tell(_ lie: Lie, index: Int, insteadOf truth: Message, on worker: HandLink) throws {
        var told = truth
        lie.tell(&told)
        try send(told, attempt: 1, on: worker)
        let reject = try worker.next(\.reject)
        #expect(reject.number == lie.number, "lie \(index): \(reject.text)")
        #expect(reject.sequence == (lie.isAttributed ? told.activations.sequence : 0), "lie \(index)")
        try send(truth, attempt: 2, on: worker)
        #expect(try worker.next(\.ack).sequence == truth.activations.sequence, "after lie \(index)")
    }

    /// Parts of one message that are parts of two.
    private func contradictItself(_ truth: Message, on worker: HandLink) throws {
        var parts = [truth, truth]
        let row = run.model.forward.width * 4, half = (Int(truth.activations.rows) + 1) / 2
        for (index, rows) in [0..<half, half..<Int(truth.activations.rows)].enumerated() {
            parts[index].payloads = [Array(truth.payloads[0][(rows.lowerBound * row)..<(rows.upperBound * row)])]
            (parts[index].activations.part, parts[index].activations.parts) = (UInt32(index), 2)
            parts[index].activations.checksum = parts[index].payloads[0].withUnsafeBytes { payloadChecksum($0) }
        }
        try send(parts[0], attempt: 1, on: worker)
        #expect(try worker.next(\.ack).part == 0)
        var labels = parts[1], whole = truth
        labels.activations.targets[0] = 1 - labels.activations.targets[0]
        whole.activations.parts = 1
        for lie in [labels, whole] {
            try send(lie, attempt: 1, on: worker)
            #expect(try worker.next(\.reject).number == ProtocolError.partsDiffer.rawValue)
        }
        try send(parts[1], attempt: 1, on: worker)
        #expect(try worker.next(\.ack).part == 1)
    }

    /// Credit belongs to a session: many greetings bring no more than one.
    private func greetAgainAndAgain(_ truth: Message, on worker: HandLink) throws {
        let first = try worker.greet(samples: examples.count)
        #expect(first.settled == [1...UInt64(Self.lies.count + 1)])
        for _ in 0..<20 { #expect(try worker.greet(samples: examples.count) == first) }
        try send(truth, attempt: 1, on: worker)
        #expect(try worker.next(\.ack).creditBytes == UInt64(truth.payloads[0].count))
        #expect(try worker.greet(samples: examples.count).creditBytes == first.creditBytes)
    }

    /// Frames of another session, of another run, and of this one once more.
    private func repeatYesterday(_ truth: Message, on worker: HandLink) throws {
        let yesterday = worker.link.session
        try send(truth, attempt: 1, on: worker)
        _ = try worker.next(\.ack)
        _ = try worker.greet(samples: examples.count)
        var old = truth, other = truth
        old.sessionOffset = yesterday &- worker.link.session
        other.run = "yesterday"
        for (lie, number) in [(old, ProtocolError.unknownSession), (other, .unknownRun)] {
            try send(lie, attempt: 1, on: worker)
            #expect(try worker.next(\.reject).number == number.rawValue)
        }
        for _ in 0..<3 {
            try send(truth, attempt: 1, on: worker)
            #expect(try worker.next(\.ack).sequence == truth.activations.sequence)
        }
    }

    private func join(_ context: ZeroMQContext) throws -> (coordinator: HandLink, worker: HandLink, cut: Int) {
        let coordinator = try HandLink(
            id, context: context, endpoint: run.endpoint,
            security: try run.site.reaching("coordinator", as: id))
        try coordinator.say(.register(.init(role: .device, samples: UInt64(examples.count), threads: 1)))
        let assignment = try coordinator.next(\.assignment)
        let worker = try HandLink(
            id, context: context, endpoint: assignment.workerEndpoint,
            security: try run.site.reaching(assignment.worker, as: id))
        _ = try worker.greet(samples: examples.count)
        return (coordinator, worker, Int(assignment.cut))
    }

    private func progress(samples: Int, finished: Bool = false) -> Body.DeviceProgress {
        Body.DeviceProgress(
            publishedSamples: UInt64(samples), tokens: 0, computeNanoseconds: 0, bytesUp: 0, bytesDown: 0,
            finished: finished)
    }

    /// One sample as an honest device would send it.
    func message(sample: Int, cut: Int) throws -> Message {
        let example = examples[sample]
        let activations = try run.model.forward.activations(of: [example.tokens], cut: cut)
        let payload = Array(UnsafeRawBufferPointer(start: activations.base, count: activations.count * 4))
        return Message(
            sender: id,
            activations: Body.Activations(
                sequence: UInt64(sample + 1), sampleIDs: [UInt64(sample)], lengths: [UInt32(example.tokens.count)],
                targetLengths: [UInt32(example.targets.count)], targets: example.targets.map(UInt32.init),
                cut: UInt32(cut), codec: PayloadCodec.f32.rawValue, rows: UInt32(example.tokens.count),
                columns: UInt32(run.model.forward.width),
                checksum: payload.withUnsafeBytes { payloadChecksum($0) }),
            payloads: [payload])
    }

    private func send(_ message: Message, attempt: UInt32, on worker: HandLink) throws {
        let envelope = Envelope(
            run: message.run, sender: message.sender, attempt: attempt,
            session: worker.link.session &+ message.sessionOffset, body: .activations(message.activations))
        #expect(try worker.send([message.garbage ?? envelope.encode()] + message.payloads))
    }
}
