import Checkpoints
import Experiments
import Testing

@Suite("Costs by shape")
struct CostTests {
    // One block of GPT-2 small at 64 tokens, worked out by hand: F, B, an adapter of rank 8 on c_attn, and what the
    // lowest block spares of B.
    private static let frozenForward: Double = 918_552_576
    private static let backwardInput: Double = 931_135_488
    private static let adapter: Double = 3_145_728
    private static let spared: Double = 226_492_416 + 786_432

    /// Behind the last attention, of the layers of widths 768 × 768 and twice 768 × 3072, for all tokens but one.
    private static let unread: Double = 2 * 63 * (768 * 768 + 2 * 768 * 3072)

    /// F, B and W of so many blocks, the lowest of which needs no gradient of its input.
    private static func training(_ blocks: Double) -> Double {
        let block: Double = frozenForward + backwardInput + 3 * adapter
        return blocks * block - spared
    }

    /// Three query heads that share one key head, and a gate; the heads are wider than the stream.
    private static func smallLlama() throws -> Hyperparameters {
        try Hyperparameters(
            family: .llama, layers: 2, width: 10, feedForwardWidth: 14, heads: 3, keyValueHeads: 1, headDimension: 4,
            vocabularySize: 50, contextLength: 64, positions: .rotary(base: 10_000, factors: nil),
            normalisation: .rootMeanSquare, normEpsilon: 1e-5, activation: .swiglu, hasBiases: false,
            tiedEmbeddings: true)
    }

    private static func setting() throws -> MethodCosts.Setting {
        try .init(
            pass: .smallGPT2(), cut: 3, frozenBlocks: 4, targets: 1, outputs: 2, valueBytes: 2, probes: 10,
            keptPairs: 3)
    }

    @Test("GPT-2 small's block at 64 tokens takes what 24h² + 4sh, 24h² + 8sh and 24h² say, worked out by hand")
    func gpt2() throws {
        let pass = try PassCosts.smallGPT2()
        #expect(pass.frozenForward == Self.frozenForward)
        #expect(pass.forward == Self.frozenForward + Self.adapter)
        #expect(pass.backwardInput == Self.backwardInput + Self.adapter)
        #expect(pass.lowestBackwardInput == Self.backwardInput + Self.adapter - Self.spared)
        #expect(pass.backwardWeights == Self.adapter && pass.fullBackwardWeights == 905_969_664)
        #expect(pass.head(targets: 1, outputs: 2) == 3072 && pass.head(targets: 1, outputs: 50257) == 77_194_752)
        #expect(pass.adapterParameters == 8 * (768 + 2304))
        #expect(pass.training(blocks: 3, needsInputGradient: false) == Self.training(3))
        #expect(pass.training(blocks: 3, needsInputGradient: true) == Self.training(3) + Self.spared)
        #expect(pass.forward(blocks: 3) == 3 * pass.forward)
        #expect(pass.forward(blocks: 3, read: 1) == 3 * pass.forward - Self.unread)
        #expect(
            pass.training(blocks: 3, needsInputGradient: true, read: 1)
                == Self.training(3) + Self.spared - 2 * Self.unread)
    }

    /// Counts the multiply-adds of a product one by one.
    private func counted(_ rows: Int, _ inner: Int, _ columns: Int) -> Int {
        var count = 0
        for _ in 0..<rows { for _ in 0..<inner { for _ in 0..<columns { count += 1 } } }
        return count
    }

    @Test("grouped heads, a gate and adapters: two operations for each multiply-add of the products' loops")
    func products() throws {
        let pass = try PassCosts(model: Self.smallLlama(), tokens: 5, rank: 3, targets: ["q", "v", "down"])
        let (n, d, f, q, k, head, r) = (5, 10, 14, 12, 4, 4, 3)
        let linears = [(d, q), (d, k), (d, k), (q, d), (d, f), (d, f), (f, d)]
        let adapted = [(d, q), (d, k), (f, d)]
        let forward = linears.reduce(0) { $0 + counted(n, $1.0, $1.1) }
        let scores = 3 * (counted(n, head, n) + counted(n, n, head))
        let adapters = adapted.reduce(0) { $0 + counted(n, $1.0, r) + counted(n, r, $1.1) }
        #expect(pass.frozenForward == Double(2 * (forward + scores)))
        #expect(pass.forward == Double(2 * (forward + scores + adapters)))

        let backward = linears.reduce(0) { $0 + counted(n, $1.1, $1.0) }
        let attention = 3 * (2 * counted(n, n, head) + 2 * counted(n, head, n))
        let throughAdapters = adapted.reduce(0) { $0 + counted(n, $1.1, r) + counted(n, r, $1.0) }
        #expect(pass.backwardInput == Double(2 * (backward + attention + throughAdapters)))
        let spared = [(d, q), (d, k), (d, k)].reduce(0) { $0 + counted(n, $1.1, $1.0) } + 2 * counted(n, r, d)
        #expect(pass.lowestBackwardInput == Double(2 * (backward + attention + throughAdapters - spared)))

        let weights = adapted.reduce(0) { $0 + counted(r, n, $1.0) + counted($1.1, n, r) }
        #expect(pass.backwardWeights == Double(2 * weights))
        #expect(pass.fullBackwardWeights == Double(2 * linears.reduce(0) { $0 + counted($1.1, n, $1.0) }))
        let penalty = adapted.reduce(0) {
            $0 + counted(r, $1.1, r) + counted($1.1, r, r) + counted(r, $1.0, r) + counted(r, r, $1.0)
        }
        #expect(pass.orthogonality == Double(2 * penalty))
    }

    @Test("SplitFrozen publishes and computes once, whatever the epochs; the server's training repeats")
    func splitFrozen() throws {
        let costs = MethodCosts(.splitfrozen, try Self.setting())
        #expect(costs.deviceFlops == Cost([.sample: 3 * Self.frozenForward]))
        let trained: Double = Self.training(8) - 2 * Self.unread + 2 * 3072
        #expect(costs.serverFlops == Cost([.sample: Self.frozenForward, .visit: trained]))
        #expect(costs.bytes[.activations] == Cost([.sample: 64 * 768 * 2]))
        let counts: [CostUnit: Int] = [.sample: 100, .visit: 300, .step: 30]
        #expect(costs.bytes(isUpload: true, counts) == 100 * (98_304 + 4))
        #expect(costs.bytes(isUpload: false, counts) == 0)
    }

    @Test("a split device learns from gradients as large as its activations, a federated one from adapters alone")
    func gradients() throws {
        let split = MethodCosts(.splitlora, try Self.setting())
        #expect(split.deviceFlops == Cost([.visit: Self.training(3)]))
        #expect(split.bytes[.activationGradients] == split.bytes[.activations])
        #expect(split.bytes[.averagedAdapters] == Cost([.round: 4 * 3 * 8 * 3072]))

        let federated = MethodCosts(.fedlora, try Self.setting())
        #expect(federated.serverFlops == Cost() && federated.bytes[.activations] == nil)
        #expect(federated.bytes[.adapterUpdates] == Cost([.round: 4 * 12 * 8 * 3072]))
        let central = MethodCosts(.central, try Self.setting())
        #expect(central.deviceFlops == Cost() && central.bytes.isEmpty)
    }

    @Test("zeroth order: 2Q + 1 forward passes and uploads with a server that learns by gradient, 2Q without")
    func zerothOrder() throws {
        let (hosl, zo) = try (MethodCosts(.hosl, Self.setting()), MethodCosts(.zo, Self.setting()))
        let forward: Double = 3 * (Self.frozenForward + Self.adapter)
        #expect(hosl.deviceFlops == Cost([.visit: 21 * forward]) && zo.deviceFlops == Cost([.visit: 20 * forward]))
        #expect(hosl.bytes[.activations] == Cost([.visit: 21 * 98_304]))
        #expect(zo.bytes[.activations] == Cost([.visit: 20 * 98_304]))
        #expect(hosl.bytes[.losses] == Cost([.step: 80]) && hosl.bytes[.losses] == zo.bytes[.losses])
        let learned: Double = Self.training(9) - 2 * Self.unread + 2 * 3072
        #expect(abs(hosl.serverFlops[.visit] - zo.serverFlops[.visit] - learned) < 1)
    }

    @Test("SOFT sends its kept pairs with their numbers, and gets everything")
    func soft() throws {
        let (soft, federated) = try (MethodCosts(.soft, Self.setting()), MethodCosts(.fedlora, Self.setting()))
        #expect(soft.bytes[.adapterUpdates] == Cost([.round: 4 * 12 * 3 * (3072 + 1)]))
        #expect(soft.bytes[.averagedAdapters] == federated.bytes[.averagedAdapters])
        #expect(soft.deviceFlops[.visit] == federated.deviceFlops[.visit])
        #expect(soft.deviceFlops[.step] == 12 * 4 * 64 * 3072)
    }

    @Test("with a quarter of the blocks, SplitFrozen's devices compute less than a seventh of FedLoRA's in one epoch")
    func deviceComputation() throws {
        let counts: [CostUnit: Int] = [.sample: 1000, .visit: 1000]
        let flops = try [ComparedMethod.splitfrozen, .fedlora].map {
            MethodCosts($0, try Self.setting()).deviceFlops.total(counts)
        }
        #expect(flops[0] / flops[1] < 1.0 / 7)
    }
}
