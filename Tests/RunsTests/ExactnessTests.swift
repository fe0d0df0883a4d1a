import Datasets
import Models
import Randomness
import Recipes
import Support
import Tensors
import Testing

@testable import Runs

/// The most important property of the project: what SplitFrozen trains is what central training would give.
@Suite("SplitFrozen equals central LoRA")
struct ExactnessTests {
    /// 20 steps on a model of six blocks, four of them frozen.
    private static let samples = 160
    private static let tolerance = 1e-4

    private func recipe(_ overrides: [String]) throws -> Recipe {
        let yaml = """
            name: exactness
            model: {path: none, frozen_blocks: 4}
            data: {path: none, format: tsv}
            task: {labels: {even: " even", odd: " odd"}, maximum_tokens: 32}
            lora: {rank: 3, alpha: 6}
            training: {batch: 8, micro_batch: 4, learning_rate: 0.01, warmup_steps: 5}
            devices: {cuts: [4, 3, 2, 1], publish_batch: 4}
            """
        return try Recipe.parse(yaml: yaml, file: "exactness.yaml", overrides: overrides)
    }

    /// Texts whose class their first token decides, dealt to four devices.
    private func shards(_ partition: Partition) throws -> [[EncodedExample]] {
        var generator = SeededGenerator(seed: 8, stream: "exactness")
        let examples = (0..<Self.samples).map { _ in
            let tokens = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                Int32.random(in: 0..<50, using: &generator)
            }
            return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2))
        }
        return try partition.assign(labels: examples.map(\.label), classes: 2, devices: 4, seed: 1)
            .map { indices in indices.map { examples[$0] } }
    }

    private func setup(_ overrides: [String], _ partition: Partition, threads: Int = 2) throws -> TrainingSetup {
        try TrainingSetup(
            try recipe(overrides), model: try LanguageModel(source: RandomModelSource(layers: 6), maximumTokens: 32),
            counts: try shards(partition).map(\.count), labelTokens: [3, 7], pool: ComputePool(threads: threads))
    }

    private func splitFrozen(
        _ overrides: [String], _ partition: Partition, threads: Int = 2
    ) throws -> [Float] {
        let setup = try setup(overrides, partition, threads: threads)
        let outcome = try EmbeddedRun(setup, shards: shards(partition), run: "exactness").train { _ in }
        guard case .completed(let totals) = outcome else {
            Issue.record("the run ended as \(outcome)")
            return []
        }
        #expect(totals.steps == 20)
        return setup.parameters.flat.values
    }

    @Test(
        "whatever the cuts and however skewed the data",
        arguments: [Partition.iid, .oneLabelPerDevice, .dirichlet(alpha: 0.1)],
        ["[4, 3, 2, 1]", "[1, 1, 1, 1]", "[0, 4, 0, 4]"])
    func equalsCentral(partition: Partition, cuts: String) throws {
        let central = try setup([], partition)
        try CentralRun(setup: central, shards: shards(partition)).train(shouldStop: { false }, observer: { _ in })
        let fresh = try TrainableParameters(
            layout: central.parameters.layout, model: central.model, seed: 7
        ).flat.values
        #expect(relativeDifference(fresh, central.parameters.flat.values) > 0.1, "20 steps move the adapters")

        let split = try splitFrozen(["devices.cuts=\(cuts)"], partition)
        #expect(relativeDifference(split, central.parameters.flat.values) < Self.tolerance)
    }

    @Test("twice the same run, on one thread and on three, gives the same bits")
    func deterministic() throws {
        let bits = try splitFrozen([], .oneLabelPerDevice, threads: 1).map(\.bitPattern)
        #expect(try splitFrozen([], .oneLabelPerDevice, threads: 3).map(\.bitPattern) == bits)
        #expect(try splitFrozen(["devices.credit_bytes=4KiB"], .oneLabelPerDevice).map(\.bitPattern) == bits)
    }

    @Test("publishing and training overlap: the first step does not wait for the last message")
    func overlap() throws {
        // One thread takes jobs in turn, and 160 messages go one by one: a step waits behind a few of them at most.
        let setup = try setup(
            ["devices.credit_bytes=1KiB", "devices.publish_batch=1"], .oneLabelPerDevice, threads: 1)
        var stepsBeforeLastMessage = 0
        var unfinished = 4
        _ = try EmbeddedRun(setup, shards: shards(.oneLabelPerDevice), run: "overlap").train { event in
            switch event {
            case .deviceProgress(_, let progress) where progress.finished: unfinished -= 1
            case .step where unfinished > 0: stepsBeforeLastMessage += 1
            default: break
            }
        }
        #expect(stepsBeforeLastMessage > 0)
    }

    @Test("fewer bits on the wire and in the store cost precision, not the result", arguments: ["bf16", "int8"])
    func fewerBits(codec: String) throws {
        let exact = try splitFrozen([], .iid)
        let rounded = try splitFrozen(["devices.codec=\(codec)"], .iid)
        #expect(rounded != exact)
        #expect(relativeDifference(rounded, exact) < 0.2)
    }
}
