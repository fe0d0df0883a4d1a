import Datasets
import Queueing
import Randomness
import Tensors
import Testing
import Wire

@testable import Device

@Suite("Activation message")
struct ActivationMessageTests {
    @Test("a device's message passes the worker's check, which gives back each sample's own targets")
    func targets() throws {
        let seed: UInt64 = 31
        var chance = SeededGenerator(seed: seed, stream: "activation-message")
        let check = ActivationCheck(
            limits: WireLimits(), run: "run", width: 2, maximumCut: 4, targetLimit: 49152, maximumLength: 600)
        for round in 0..<20 {
            let examples = (0..<Int.random(in: 1...6, using: &chance)).map { _ in
                let length = Int.random(in: 1...600, using: &chance)
                let targets = Int.random(in: 1...length, using: &chance)
                return EncodedExample(
                    tokens: Array(repeating: 5, count: length),
                    targets: (0..<targets).map { _ in Int32.random(in: 0..<49152, using: &chance) })
            }
            let tokens = examples.reduce(0) { $0 + $1.tokens.count }
            let activations = Storage(count: tokens * 2)
            activations.matrix(rows: tokens, columns: 2).fill(0.5)
            let codec = PayloadCodec.allCases[round % PayloadCodec.allCases.count]
            let message = ActivationMessage(
                samples: examples.indices.map { 10 + $0 }, examples: examples, activations: activations, columns: 2,
                cut: 3, codec: codec)
            #expect(message.tokens == tokens)
            for sequence: UInt64 in [1, 7] {
                guard case .activations(let body) = message.body(sequence: sequence) else {
                    Issue.record("no activations")
                    return
                }
                let checked = try message.frame().withBytes { payload in
                    try check.check(body, run: "run", payloads: [payload], owns: { (10..<16).contains($0) })
                }
                #expect(checked.sequence == sequence)
                #expect(
                    checked.samples.map { Array(checked.targets(of: $0)) } == examples.map(\.targets),
                    "seed \(seed), round \(round)")
            }
        }
    }
}
