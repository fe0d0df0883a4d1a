import Queueing
import Randomness
import Testing
import Wire

/// A device and a worker over real sockets, both driven by one thread.
@Suite("Publishing over sockets", .timeLimit(.minutes(1)))
struct PublishingTests {
    @Test(
        "a device with little credit brings every sample to the store once, although some of its messages are damaged",
        arguments: ["inproc://publishing", "tcp://127.0.0.1:*"])
    func publishing(endpoint: String) throws {
        let context = try ZeroMQContext()
        let worker = try WorkerSide(context: context, endpoint: endpoint, creditBytes: 3 * 64)
        let device = try DeviceSide(context: context, endpoint: worker.endpoint, messages: 20)
        var poller = Poller()
        _ = poller.add(worker.socket)
        _ = poller.add(device.socket)
        for _ in 0..<10_000 where !device.isFinished {
            try poller.wait(milliseconds: 30_000)
            try worker.work()
            try device.work()
        }
        // Over TCP the second copy of the last message can still be on its way when the first is acknowledged.
        for _ in 0..<10 where worker.ingress.counts.duplicate < 4 {
            try poller.wait(milliseconds: 5_000)
            try worker.work()
            try device.work()
        }
        #expect(device.isFinished)
        #expect(worker.store.count == 40)
        #expect(worker.ingress.counts.applied == 20)
        #expect(worker.ingress.counts.duplicate == 4)
        #expect(worker.ingress.counts.rejected == [25: 5])
        #expect(worker.largestCommitment == 3 * 64)
        #expect(device.largestFlight <= 3)
        for id in 0..<UInt64(40) {
            var values = [Float](repeating: 0, count: 8)
            try values.withUnsafeMutableBufferPointer { _ = try worker.store.read(id, into: $0) }
            #expect(values == device.values(of: id))
            #expect(worker.store.sample(id)?.targets == device.targets(of: id).map(Int32.init))
        }
    }
}

/// Checks, stores and acknowledges.
private final class WorkerSide {
    let socket: Socket
    let endpoint: String
    let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
    var ingress = Ingress()
    var largestCommitment = 0
    private var ledger: CreditLedger
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: 4, maximumCut: 3, targetLimit: 100, maximumLength: 8)

    init(context: ZeroMQContext, endpoint: String, creditBytes: Int) throws {
        var options = SocketOptions()
        options.security = .insecure
        socket = try Socket(.router, context: context, options: options)
        self.endpoint = try socket.bind(endpoint)
        ledger = CreditLedger(limitBytes: creditBytes, deviceBytes: creditBytes, leastBytes: 16, devices: 1)
    }

    func work() throws {
        while let message = try socket.receive() {
            let envelope = try message.frames[0].withBytes { try Envelope.decode($0, limits: WireLimits()) }
            let peer = try #require(message.peer)
            #expect(peer == PeerIdentity(envelope.sender))
            switch envelope.body {
            case .hello:
                ingress.expect(1, samples: 40)
                let grant = ledger.open(1)
                try answer(.credit(.init(bytes: UInt64(grant))), to: peer)
            case .activations(let activations):
                if let body = take(activations, envelope, message.frames.dropFirst()) { try answer(body, to: peer) }
            default:
                #expect(Bool(false), "\(envelope.body.name) came")
            }
            largestCommitment = max(largestCommitment, ledger.committedBytes)
        }
    }

    private func take(
        _ activations: Body.Activations, _ envelope: Envelope, _ payloads: ArraySlice<Frame>
    ) -> Body? {
        let sequence = activations.sequence
        let part = MessagePart(device: 1, sequence: sequence)
        let bytes = payloads.reduce(0) { $0 + $1.count }
        let ack = Body.ack(.init(sequence: sequence, creditBytes: UInt64(bytes)))
        switch ingress.arrived(part, attempt: envelope.attempt) {
        case .wait, .drop: return nil
        case .acknowledgeAgain: return ack
        case .reject(let error): return .reject(.init(sequence: sequence, error: error))
        case .store: break
        }
        do {
            let frame = try #require(payloads.first)
            try payloads.withBytes { payloads in
                let checked = try check.check(
                    activations, run: envelope.run, payloads: payloads, owns: { $0 < 40 })
                let charge = try ledger.received(checked.byteCount, from: 1)
                let samples = checked.samples.map {
                    StoredSample(
                        id: $0.id, targets: Array(checked.targets(of: $0)), rows: $0.rows.count,
                        columns: checked.columns, cut: checked.cut)
                }
                #expect(
                    try store.make(.message(part, samples: samples, payload: frame, codec: checked.codec)) == .complete)
                #expect(ledger.stored(charge, part) == checked.byteCount)
            }
        } catch let error as WireError {
            ingress.rejected(part, error: error)
            return .reject(.init(sequence: sequence, error: error))
        } catch {
            Issue.record(error)
            return nil
        }
        ingress.stored(part, isComplete: true)
        return ack
    }

    private func answer(_ body: Body, to peer: PeerIdentity) throws {
        let envelope = Envelope(run: "run", sender: "worker", body: body)
        #expect(try socket.send([Frame(envelope.encode())], to: peer))
    }
}

/// Publishes messages of two samples with two tokens of width 4. Every fourth message has a wrong checksum at first,
/// and every fifth is sent twice.
private final class DeviceSide {
    let socket: Socket
    var isFinished = false
    var largestFlight = 0
    private var window = PublishWindow(acknowledgementTimeout: .seconds(60), maximumAttempts: 3)
    private var sentMessages: UInt64 = 0
    private let messages: UInt64

    init(context: ZeroMQContext, endpoint: String, messages: UInt64) throws {
        self.messages = messages
        var options = SocketOptions(identity: PeerIdentity("device-1"))
        options.security = .insecure
        socket = try Socket(.dealer, context: context, options: options)
        try socket.connect(endpoint)
        let hello = Envelope(run: "run", sender: "device-1", body: .hello(.init(samples: messages * 2)))
        #expect(try socket.send([Frame(hello.encode())]))
    }

    func work() throws {
        while let message = try socket.receive() {
            let envelope = try message.frames[0].withBytes { try Envelope.decode($0, limits: WireLimits()) }
            switch envelope.body {
            case .credit(let credit): window.granted(credit)
            case .ack(let ack): _ = window.acknowledged(ack)
            case .reject(let reject):
                if case .send(let sending) = window.rejected(reject, now: .zero) { try send(sending) }
            default:
                #expect(Bool(false), "\(envelope.body.name) came")
            }
        }
        while sentMessages < messages, window.canSend(bytes: 64) {
            sentMessages += 1
            try send(window.sent(.init(sequence: sentMessages, index: 0), bytes: 64, now: .zero))
        }
        largestFlight = max(largestFlight, window.unacknowledgedCount)
        isFinished = sentMessages == messages && window.unacknowledgedCount == 0
    }

    func values(of id: UInt64) -> [Float] {
        var chance = SeededGenerator(seed: 5, stream: "activations/\(id)")
        return (0..<8).map { _ in Float(chance.normal()) }
    }

    /// Even samples have one target, odd ones two.
    func targets(of id: UInt64) -> [UInt32] { (0...UInt32(id % 2)).map { UInt32(id) + $0 } }

    private func send(_ sending: PublishWindow.Sending) throws {
        let sequence = sending.part.sequence
        let ids = [sequence * 2 - 2, sequence * 2 - 1]
        let slab = Slab(count: sending.bytes)
        ids.flatMap(values).withUnsafeBufferPointer { PayloadCodec.f32.encode($0, columns: 4, into: slab.memory) }
        let isDamaged = sequence % 4 == 0 && sending.attempt == 1
        let activations = Body.Activations(
            sequence: sequence, sampleIDs: ids, lengths: [2, 2], targetLengths: [1, 2],
            targets: ids.flatMap(targets), cut: 3, codec: PayloadCodec.f32.rawValue, rows: 4, columns: 4,
            checksum: payloadChecksum(slab.bytes) ^ (isDamaged ? 1 : 0))
        let envelope = Envelope(
            run: "run", sender: "device-1", attempt: sending.attempt, body: .activations(activations))
        for _ in 0..<(sequence % 5 == 0 && !isDamaged ? 2 : 1) {
            #expect(try socket.send([Frame(envelope.encode()), Frame(owner: slab, bytes: slab.bytes)]))
        }
    }
}
