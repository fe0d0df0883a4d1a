import Randomness
import Wire

/// Messages that a stranger sends: well made ones, some of whose bytes he changes, and noise.
enum StrangerFrames {
    /// What strangers write wherever a text may stand, so that it is found where it should not be.
    static let mark = "\u{1B}[2JSTRANGE"

    /// One message of every kind that a device could say, and some that it must not, in a session of yesterday.
    static func bases(sender: String, run: TinyRun) throws -> [[[UInt8]]] {
        let message = try HostilePeer(id: sender, examples: TinyModel.shard("stranger", count: 3), run: run)
            .message(sample: 1, cut: 2)
        let bodies: [Body] = [
            .activations(message.activations), .hello(.init(samples: 3)), .finished(.init(messages: 3, samples: 3)),
            .register(.init(role: .device, samples: 3, threads: 1)), .recipeRequest(.device), .heartbeat(time: 1),
            .handoverFile(.init(sequence: 1, step: 3, name: "values", offset: 0, bytes: 4, checksum: 1)),
            .ack(.init(sequence: 1, creditBytes: 4)), .stop(.init(reason: "no reason")), .registerAgain,
            .drain(.init(successor: sender)), .stepRecorded(step: 16),
            .stepsWanted(after: 0),
            .recordedSteps(.init(after: 0, steps: [.init(step: 1, sampleIDs: [1 << 40])], isComplete: true)),
            .runPlan(.init(devices: [.init(device: sender, samples: 3, cut: 2)], seed: 1, generation: 99)),
            .goodbye(reason: mark), .failure(.init(exitCode: 1, problem: mark, remedy: mark)),
        ]
        var envelopes = bodies.map { Envelope(run: "run", sender: sender, session: 77, body: $0) }
        envelopes.append(Envelope(run: mark, sender: sender, session: 77, body: .heartbeat(time: 1)))
        envelopes.append(Envelope(run: "run", sender: mark, session: 77, body: .heartbeat(time: 1)))
        return envelopes.map { [$0.encode()] + message.payloads } + [[Array(mark.utf8), Array(mark.utf8)]]
    }

    /// Whether a message introduces its sender, and rightly.
    static func isIntroduction(_ frames: [[UInt8]], of sender: String) -> Bool {
        guard let envelope = try? Envelope.decode(frames.first ?? [], limits: WireLimits()) else { return false }
        guard case .hello = envelope.body else { return false }
        return envelope.run == "run" && envelope.sender == sender
    }

    /// The next message: noise, or one of the bases with some bytes changed, cut off or added.
    static func next(_ bases: [[[UInt8]]], _ generator: inout SeededGenerator) -> [[UInt8]] {
        guard Int.random(in: 0..<4, using: &generator) > 0, let base = bases.randomElement(using: &generator) else {
            return (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                noise(Int.random(in: 0...200, using: &generator), &generator)
            }
        }
        var frames = base
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            // Headers have more to be changed than payloads.
            let index = Int.random(in: 0..<3, using: &generator) == 0 ? frames.count - 1 : 0
            mutate(&frames[index], &generator)
        }
        return frames
    }

    private static func mutate(_ frame: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !frame.isEmpty else { return frame = noise(3, &generator) }
        let place = Int.random(in: 0..<frame.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: frame[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: frame[place] = .random(in: .min ... .max, using: &generator)
        case 2: frame.removeSubrange(place...)
        default: frame.insert(contentsOf: noise(Int.random(in: 1...20, using: &generator), &generator), at: place)
        }
    }

    private static func noise(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
