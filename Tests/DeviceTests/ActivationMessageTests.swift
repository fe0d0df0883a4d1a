import Datasets
import Queueing
import Randomness
import Tensors
import Testing
import Wire

@testable import Device

@Suite("Activation message")
struct ActivationMessageTests {
    @Test("each part of a device's message passes the worker's check; together they are its rows and targets")
    func parts() throws {
        let seed: UInt64 = 31
        var chance = SeededGenerator(seed: seed, stream: "activation-message")
        let check = ActivationCheck(
            limits: WireLimits(), run: "run", width: 2, maximumCut: 4, targetLimit: 49152, maximumLength: 600)
        for round in 0..<30 {
            let examples = (0..<Int.random(in: 1...6, using: &chance)).map { _ in
                let length = Int.random(in: 1...600, using: &chance)
                let targets = Int.random(in: 1...length, using: &chance)
                return EncodedExample(
                    tokens: Array(repeating: 5, count: length),
                    targets: (0..<targets).map { _ in Int32.random(in: 0..<49152, using: &chance) })
            }
            let tokens = examples.reduce(0) { $0 + $1.tokens.count }
            let activations = Storage(count: tokens * 2)
            for index in 0..<activations.count { activations.base[index] = Float(index) }
            let codec = PayloadCodec.allCases[round % PayloadCodec.allCases.count]
            let message = ActivationMessage(
                samples: examples.indices.map { 10 + $0 }, examples: examples, activations: activations, columns: 2,
                cut: 3, codec: codec)
            #expect(message.shape.rows == tokens && message.shape.bytesPerRow == codec.bytesPerRow(columns: 2))
            let limit = Int.random(in: 1...message.shape.bytes, using: &chance)
            let parts = PartSize.count(rows: tokens, bytesPerRow: message.shape.bytesPerRow, limit: limit)
            var payload: [UInt8] = []
            for part in 0..<parts {
                let (body, frame) = try #require(message.sending(sequence: 7, part: part, of: parts))
                guard case .activations(let header) = body else {
                    Issue.record("no activations")
                    return
                }
                let checked = try frame.withBytes { payload in
                    try check.check(header, run: "run", payloads: [payload], owns: { (10..<16).contains($0) })
                }
                #expect(checked.sequence == 7 && checked.part == part && checked.parts == parts)
                #expect(
                    checked.samples.map { Array(checked.targets(of: $0)) } == examples.map(\.targets),
                    "seed \(seed), round \(round)")
                let encoded = Envelope(run: "run", sender: "d", body: body).encode().count
                #expect(encoded <= message.shape.headerBytes + 64, "seed \(seed), round \(round)")
                payload += frame.bytes
            }
            var whole = [UInt8](repeating: 0, count: message.shape.bytes)
            whole.withUnsafeMutableBytes {
                codec.encode(
                    UnsafeBufferPointer(start: activations.base, count: activations.count), columns: 2, into: $0)
            }
            #expect(payload == whole, "seed \(seed), round \(round)")
            #expect(message.sending(sequence: 7, part: parts, of: parts) == nil)
        }
    }
}
