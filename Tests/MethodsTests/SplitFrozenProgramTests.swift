import Datasets
import Models
import Support
import Tensors
import Testing

@testable import Methods

@Suite("SplitFrozen as programs")
struct SplitFrozenProgramTests {
    @Test(
        "whatever the cuts and the order of arrival, it trains what one place trains on all data",
        arguments: [[2, 2, 2], [0, 1, 2]], UInt64(1)...3)
    func centralEquality(cuts: [Int], seed: UInt64) throws {
        let bench = try MethodBench(dropout: 0.3, classes: 3)
        let start = bench.upper(2, of: try bench.parameters()), rule = MethodBench.adamW()
        let shards = cuts.indices.map { bench.shard($0, samples: 7 + 4 * $0) }
        let counts = shards.map(\.examples.count), batch = MethodBench.batch, steps = 12
        let devices = zip(cuts, shards).map { cut, shard in
            SplitFrozenDevice(
                forward: FrozenForward(model: bench.model), device: shard.device, examples: shard.examples, cut: cut,
                groupSize: 3, maximumTokens: 20, seed: 9)
        }
        let server = SplitFrozenServer(
            model: bench.model, head: bench.head, parameters: start.copied(), frozenBlocks: 2, cuts: cuts,
            counts: counts, batch: batch, steps: steps, rule: rule, seed: 9)
        let network = MethodNetwork(server, devices, seed: seed)
        try network.run()

        let central = start.copied()
        let trainer = Trainer(
            model: bench.model, head: bench.head, parameters: central, frozenBlocks: 2,
            optimizer: rule.optimizer(central.layout), schedule: rule.schedule, seed: 9, pool: ComputePool(threads: 1))
        let reference = CentralTraining(model: bench.model, frozenBlocks: 2, microBatch: batch)
        let batches = (1...2).flatMap { epoch in
            Batches.cut(SampleOrder.global(seed: 9, counts: counts, epoch: epoch), size: batch)
        }
        for samples in batches.prefix(steps) {
            _ = try reference.step(trainer, on: samples.map { shards[$0.device].examples[$0.index] })
        }
        #expect(network.isFinished && network.progress.count == steps)
        #expect(relativeDifference(server.parameters.flat.values, central.flat.values) < 1e-6)
        #expect(relativeDifference(start.flat.values, central.flat.values) > 1e-2)
        // Each sample crosses once, whatever the epochs, and nothing comes down but the word to begin.
        let sent = network.messages(.activations, isUp: true).flatMap { $0.message.samples?.ids ?? [] }
        #expect(sent.count == counts.reduce(0, +))
        #expect(network.log.filter { !$0.isUp }.allSatisfy { $0.message.payloadBytes == 0 })
        #expect(network.deviceWork.allSatisfy { $0.kind == .forward })
    }

    @Test("a sample that comes twice is refused")
    func twice() throws {
        let bench = try MethodBench(), shard = bench.shard(0)
        let device = SplitFrozenDevice(
            forward: FrozenForward(model: bench.model), device: 0, examples: shard.examples, cut: 1, groupSize: 3,
            maximumTokens: 20, seed: 9)
        let server = SplitFrozenServer(
            model: bench.model, head: bench.head, parameters: bench.upper(2, of: try bench.parameters()),
            frozenBlocks: 2, cuts: [1], counts: [13], batch: 5, steps: 12, rule: MethodBench.adamW(), seed: 9)
        guard case .send(let message)? = try device.handle(.received(MethodMessage(.turn, step: 1))).last else {
            Issue.record("a turn brings activations")
            return
        }
        _ = try server.handle(.received(message, from: 0))
        #expect(throws: MethodError.self) { try server.handle(.received(message, from: 0)) }
    }
}
