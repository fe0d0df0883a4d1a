import Randomness
import Wire

/// Messages of every kind with contents drawn at random.
struct RandomMessages {
    static let kinds = 15

    var chance: SeededGenerator

    init(seed: UInt64) { chance = SeededGenerator(seed: seed, stream: "wire/messages") }

    mutating func envelope(kind: Int) -> Envelope {
        Envelope(run: text(), sender: text(), attempt: chance.next32(), body: body(kind: kind))
    }

    private mutating func body(kind: Int) -> Body {
        switch kind {
        case 0: .hello(.init(samples: chance.next()))
        case 1: .activations(activations())
        case 2: .finished(.init(messages: chance.next(), samples: chance.next()))
        case 3: .credit(.init(bytes: chance.next()))
        case 4: .ack(.init(sequence: chance.next(), creditBytes: chance.next()))
        case 5: .reject(.init(sequence: chance.next(), number: chance.next32(), text: text()))
        case 6: .stop(.init(reason: text()))
        case 7:
            .register(
                .init(
                    role: Bool.random(using: &chance) ? .device : .worker, samples: chance.next(),
                    threads: chance.next32(), endpoint: text()))
        case 8:
            .deviceProgress(
                .init(
                    publishedSamples: chance.next(), tokens: chance.next(), computeNanoseconds: chance.next(),
                    bytesUp: chance.next(), bytesDown: chance.next(), finished: Bool.random(using: &chance)))
        case 9:
            .stepReport(
                .init(
                    step: chance.next(), epoch: chance.next32(), loss: chance.normal(), accuracy: chance.uniform(),
                    learningRate: chance.uniform(), tokens: chance.next(), samples: chance.next(),
                    seconds: chance.uniform(), queueDepth: chance.next(), bytesUp: chance.next()))
        case 10:
            .workerFinished(
                .init(
                    steps: chance.next(), epochs: chance.next32(), tokens: chance.next(), samples: chance.next(),
                    seconds: chance.uniform(), bytesUp: chance.next(), bytesDown: chance.next()))
        case 11:
            .failure(
                .init(exitCode: Int32(bitPattern: chance.next32()), problem: text(), remedy: text()))
        case 12: .heartbeat
        case 13:
            .assignment(
                .init(
                    cut: chance.next32(), workerEndpoint: text(), seed: chance.next(), generation: chance.next(),
                    number: chance.next32(), epoch: chance.next32()))
        default: .runPlan(plan())
        }
    }

    private mutating func activations() -> Body.Activations {
        let count = Int.random(in: 0...40, using: &chance)
        return Body.Activations(
            sequence: chance.next(), sampleIDs: (0..<count).map { _ in chance.next() },
            lengths: (0..<count).map { _ in chance.next32() }, targetLengths: (0..<count).map { _ in chance.next32() },
            targets: (0..<Int.random(in: 0...200, using: &chance)).map { _ in chance.next32() }, cut: chance.next32(),
            codec: UInt32.random(in: 0...3, using: &chance), rows: chance.next32(),
            columns: chance.next32(), checksum: chance.next())
    }

    private mutating func plan() -> Body.RunPlan {
        let count = Int.random(in: 0...20, using: &chance)
        return Body.RunPlan(
            devices: (0..<count).map { _ in .init(device: text(), samples: chance.next(), cut: chance.next32()) },
            seed: chance.next(), generation: chance.next())
    }

    /// Up to 24 characters of one to four UTF-8 bytes.
    private mutating func text() -> String {
        let alphabet = Array("aZ09 _-/:.\"\n\u{7F}éßλ中🙂")
        let count = Int.random(in: 0...24, using: &chance)
        return String((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &chance)] })
    }
}

extension SeededGenerator {
    mutating func next32() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
}
