import Checkpoints
import Experiments
import Models
import Support
import Testing

@testable import Methods

@Suite("Closed forms of what crosses the wire")
struct ClosedFormTests {
    private static let (tokens, pairs, kept) = (6, 3, 2)

    private static func costs(_ method: ComparedMethod, _ bench: MethodBench) -> MethodCosts {
        let model = bench.model.hyperparameters
        let pass = PassCosts(
            model: model, tokens: tokens, rank: 3, targets: Set(model.family.linears(model).map(\.target)))
        return MethodCosts(
            method,
            .init(pass: pass, cut: 2, frozenBlocks: 2, targets: 1, outputs: 2, probes: pairs, keptPairs: kept))
    }

    private static func check(
        _ network: MethodNetwork, _ costs: MethodCosts, _ counts: [CostUnit: Int],
        more: (up: Int, down: Int) = (0, 0)
    ) {
        let sent = [true, false].map { isUp in
            network.log.filter { $0.isUp == isUp }.reduce(0) { $0 + $1.message.payloadBytes }
        }
        #expect(Double(sent[0] - more.up) == costs.bytes(isUpload: true, counts))
        #expect(Double(sent[1] - more.down) == costs.bytes(isUpload: false, counts))
    }

    @Test("SplitFrozen sends every sample once")
    func splitFrozen() throws {
        let bench = try MethodBench(), shard = bench.shard(0, samples: 10, tokens: Self.tokens)
        let device = SplitFrozenDevice(
            forward: FrozenForward(model: bench.model), device: 0, examples: shard.examples, cut: 2, groupSize: 3,
            maximumTokens: 20, seed: 9)
        let server = SplitFrozenServer(
            model: bench.model, head: bench.head, parameters: bench.upper(2, of: try bench.parameters()),
            frozenBlocks: 2, cuts: [2], counts: [10], batch: 5, steps: 6, rule: MethodBench.adamW(), seed: 9)
        let network = MethodNetwork(server, [device])
        try network.run()
        Self.check(network, Self.costs(.splitfrozen, bench), [.sample: 10, .visit: 30, .step: 6])
    }

    @Test("SplitLoRA sends activations up and gradients down with every batch, and adapters with every mean")
    func splitLoRA() throws {
        let bench = try MethodBench(), start = try bench.parameters()
        let device = SplitLoRADevice(
            model: bench.model, parameters: bench.lower(2, of: start), cut: 2,
            shard: bench.shard(0, samples: 10, tokens: Self.tokens), rule: MethodBench.adamW(), seed: 9)
        let server = SplitLoRAServer(
            model: bench.model, head: bench.head, parameters: bench.upper(2, of: start),
            lowerLayout: device.parameters.layout, settings: .init(devices: 1, cut: 2, steps: 6, averagingSteps: 3),
            rule: MethodBench.adamW(), seed: 9)
        let network = MethodNetwork(server, [device])
        try network.run()
        Self.check(network, Self.costs(.splitlora, bench), [.visit: 30, .step: 6, .round: 2])
    }

    @Test(
        "probes send activations with each upload, targets once a step, and two losses a pair",
        arguments: [true, false])
    func probes(serverHasGradient: Bool) throws {
        let bench = try MethodBench(), start = try bench.parameters()
        let settings = ProbingTests.settings(serverHasGradient ? .threePhases : .zerothOrder, pairs: Self.pairs)
        let device = ProbingDevice(
            model: bench.model, parameters: bench.lower(2, of: start),
            shard: bench.shard(0, samples: 10, tokens: Self.tokens), settings: settings)
        let upper = bench.upper(2, of: start)
        let server =
            serverHasGradient
            ? ProbingServer(
                model: bench.model, head: bench.head, parameters: upper, settings: settings,
                rule: MethodBench.descent(0.1), devices: 1, steps: 4)
            : ProbingServer(
                model: bench.model, head: bench.head, parameters: upper, settings: settings, learningRate: 0.1,
                devices: 1, steps: 4)
        let network = MethodNetwork(server, [device])
        try network.run()
        // Beside what the forms count: in the end one device sends what all have.
        Self.check(
            network, Self.costs(serverHasGradient ? .hosl : .zo, bench), [.visit: 20, .step: 4],
            more: (device.parameters.layout.bytes, 0))
    }

    @Test(
        "federated adapters go down and up in each round, and of SOFT's the kept pairs go up", arguments: [true, false])
    func federated(isSparse: Bool) throws {
        let bench = try MethodBench()
        let settings = FederatedSettings(rounds: 4, localSteps: 2, aggregation: isSparse ? .keptRanks : .mean)
        let (network, _, _) = FederatedTests.network(
            bench, start: try bench.parameters(), ranks: [3], samples: [10], settings: settings,
            kept: { _, _ in [Self.kept] })
        try network.run()
        // Beside what the forms count: samples and loss, and of SOFT the energies up and the number of ranks down.
        let up = 4 * 4 * (2 + (isSparse ? 3 : 0)), down = isSparse ? 4 * 4 : 0
        let costs = Self.costs(isSparse ? .soft : .fedlora, bench)
        Self.check(network, costs, [.visit: 40, .step: 8, .round: 4], more: (up, down))
    }
}
