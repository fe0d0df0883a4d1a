import Checkpoints
import Datasets
import Foundation
import Methods
import Models
import Randomness
import Recipes
import Support
import Synchronization
import Tensors
import Testing
import Wire

@testable import Runs

/// Runs in one process, in the orders in which steps follow arrivals.
@Suite("Runs in every order")
struct OrderedRunTests {
    private static let samples = 60
    private static let epochs = 3
    /// Eight in each epoch.
    private static let steps = 24

    private static func setup(_ order: TrainingOrder, _ shards: [[EncodedExample]]) throws -> TrainingSetup {
        let yaml = """
            name: orders
            model: {path: none, frozen_blocks: 4}
            data: {path: none, format: tsv}
            task: {labels: {even: " even", odd: " odd"}, maximum_tokens: 32}
            lora: {rank: 3, alpha: 6}
            training: {batch: 8, micro_batch: 3, epochs: \(epochs), order: \(order.rawValue), checkpoint_steps: 3}
            devices: {cuts: [4, 1, 2], publish_batch: 1}
            """
        return try TrainingSetup(
            try Recipe.parse(yaml: yaml, file: "orders.yaml", overrides: []),
            model: try LanguageModel(source: RandomModelSource(layers: 6), maximumTokens: 32),
            counts: shards.map(\.count), labelTokens: [3, 7], pool: ComputePool(threads: 2))
    }

    private static func shards() -> [[EncodedExample]] {
        var generator = SeededGenerator(seed: 8, stream: "orders")
        return [31, 20, 9].map { count in
            (0..<count).map { _ in
                let tokens = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                    Int32.random(in: 0..<50, using: &generator)
                }
                return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2))
            }
        }
    }

    private static func expectEverySampleOnce(_ steps: [Body.StepReport]) {
        #expect(steps.map { Int($0.step) } == Array(1...Self.steps))
        for epoch in 1...epochs {
            let samples = steps.filter { $0.epoch == UInt32(epoch) }.flatMap(\.sampleIDs)
            #expect(samples.count == Self.samples && Set(samples).count == Self.samples)
        }
    }

    @Test(
        "what a run trains is what central training gives in the order that it reports",
        arguments: TrainingOrder.allCases)
    func equalsCentral(order: TrainingOrder) throws {
        let shards = Self.shards(), split = try Self.setup(order, shards)
        var steps: [Body.StepReport] = []
        let outcome = try EmbeddedRun(split, shards: shards, run: "orders").train { event in
            if case .step(let report) = event { steps.append(report) }
        }
        guard case .completed = outcome else {
            Issue.record("the run ended as \(outcome)")
            return
        }
        #expect(steps.count == Self.steps)
        if order != .available { Self.expectEverySampleOnce(steps) }

        let central = try Self.setup(order, shards)
        let training = CentralTraining(model: central.model, frozenBlocks: 4, microBatch: 3)
        for step in steps {
            let examples = step.sampleIDs.map { shards[Int($0 >> 32)][Int($0 & 0xFFFF_FFFF)] }
            _ = try training.step(central.trainer, on: examples)
        }
        #expect(relativeDifference(split.parameters.flat.values, central.parameters.flat.values) < 1e-4)
    }

    @Test("a resumed run in full-epoch uses what its epoch has left", arguments: [4, 9, 17])
    func resumed(stop: Int) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("orders-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let shards = Self.shards(), files = try RunFolder(parent: folder.path, name: "orders")
        func train(_ setup: TrainingSetup, used: [UInt64]) throws -> [Body.StepReport] {
            let writer = CheckpointWriter(
                setup, folder: files, recipe: "", baseline: nil, totals: TrainingTotals(), used: used)
            let run = Mutex<EmbeddedRun?>(nil), isFirst = used.isEmpty
            let embedded = try EmbeddedRun(setup, shards: shards, run: "orders", used: used) { step in
                try writer.took(step)
                if isFirst, step.step == UInt64(stop) { run.withLock { $0 }?.stop() }
            }
            run.withLock { $0 = embedded }
            var steps: [Body.StepReport] = []
            _ = try embedded.train { if case .step(let report) = $0 { steps.append(report) } }
            return steps
        }
        let first = try train(try Self.setup(.fullEpoch, shards), used: [])
        let newest = try RunCheckpoint.latest(in: files.checkpoints) { _, _ in }
        let checkpoint = try #require(newest)
        let step = checkpoint.state.step
        try #require(step < Self.steps && step >= stop - stop % 3)
        let used = try checkpoint.usedSampleIDs()
        #expect(used.count == (step % 8) * 8 && checkpoint.files.count == (used.isEmpty ? 5 : 6))

        let resumed = try Self.setup(.fullEpoch, shards)
        try resumed.resume(from: checkpoint)
        let second = try train(resumed, used: used)
        Self.expectEverySampleOnce(first.filter { $0.step <= UInt64(step) } + second)
    }

    @Test("a checkpoint of the deterministic order has no file for what was used")
    func deterministic() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("orders-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let shards = Self.shards(), files = try RunFolder(parent: folder.path, name: "orders")
        let setup = try Self.setup(.deterministic, shards)
        let writer = CheckpointWriter(setup, folder: files, recipe: "", baseline: nil, totals: TrainingTotals())
        _ = try EmbeddedRun(setup, shards: shards, run: "orders") { try writer.took($0) }.train { _ in }
        let newest = try RunCheckpoint.latest(in: files.checkpoints) { _, _ in }
        let checkpoint = try #require(newest)
        #expect(checkpoint.usedSamples.isEmpty && checkpoint.files.count == 5)
    }
}
