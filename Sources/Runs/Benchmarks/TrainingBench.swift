import Checkpoints
import Diagnostics
import Foundation
import Methods
import Models
import Recipes
import Tensors

/// Measures whole training steps on a model's folder, as scripts/bench does with PyTorch: embedding, F0 of the frozen
/// blocks, F, B and W of those above, and the optimizer's step; or what a device does of it.
public struct TrainingBench {
    /// What is measured.
    public enum Part: String, CaseIterable, Sendable {
        /// Steps of training.
        case training
        /// Embedding and F0.
        case device
    }

    /// How much of it.
    public struct Options: Sendable {
        /// Steps, or F0 of a batch.
        public var part = Part.training
        /// Tokens of each sequence of a batch.
        public var lengths = Array(repeating: 128, count: 8)
        /// Steps that are measured, after some that are not.
        public var steps = 6

        /// The usual ones.
        public init() {}
    }

    /// Figures of one process.
    public struct Report: Codable, Sendable {
        /// Of the median step.
        public var tokensPerSecond: Double
        /// Of the shortest step.
        public var bestTokensPerSecond: Double
        /// Of all threads, for a step.
        public var processorSeconds: Double
        /// The share of it in matrix products, with the rounding of their factors.
        public var productShare: Double
        /// The share of it in attention: products of another kind, and softmax.
        public var attentionShare: Double
        /// The most bytes resident, from the model's opening on.
        public var peakBytes: Int
        /// Of the first step, before anything was trained; nil of a device.
        public var firstLoss: Double?
        /// Of each step, in order.
        public var seconds: [Double]
        /// What products go to.
        public var products: String
        /// What kernels are made for.
        public var kernels: String
    }

    private let recipe: Recipe
    private let model: LanguageModel
    private let options: Options
    private let pool: ComputePool

    /// - Parameters:
    ///   - folder: of a model; its tokenizer is not read.
    ///   - overrides: `key=value` pairs of a recipe, such as `model.frozen_blocks=6`.
    /// - Throws: `RecipeError`, or what the model is refused with.
    public init(folder: String, overrides: [String], _ options: Options) throws {
        let longest = options.lengths.max() ?? 1, batch = options.lengths.count
        let yaml = """
            name: bench
            model: {path: none, frozen_blocks: 0}
            data: {path: none, format: tsv}
            task: {labels: {first: " a", second: " b"}, maximum_tokens: \(longest)}
            devices: {cuts: [0], publish_batch: \(max(1, batch / 2))}
            """
        recipe = try Recipe.parse(yaml: yaml, file: "bench", overrides: ["training.batch=\(batch)"] + overrides)
        self.options = options
        let source = try ModelFiles.open(folder)
        try recipe.check(against: source.hyperparameters)
        model = try LanguageModel(
            source: source, maximumTokens: longest,
            loadedBlocks: options.part == .device ? recipe.model.frozenBlocks : recipe.serverBlocks,
            forwardOnly: recipe.blocksBelowTraining, weightType: WeightType(recipe.model.baseType))
        pool = ComputePool(threads: recipe.threadCount)
    }

    /// Measures.
    ///
    /// - Throws: what the model throws.
    public func run() throws -> Report {
        switch options.part {
        case .training: try measureTraining()
        case .device: try measureDevice()
        }
    }

    private func measureTraining() throws -> Report {
        let setup = try TrainingSetup(
            recipe, model: model, counts: [options.lengths.count], labelTokens: [10, 11], pool: pool)
        let frozen = frozenHalf()
        var firstLoss: Double?
        var report = try measure {
            let messages = try frozen()
            let loss = try setup.trainer.step(microBatches(of: messages)).loss
            firstLoss = firstLoss ?? loss
        }
        report.firstLoss = firstLoss
        return report
    }

    private func measureDevice() throws -> Report {
        let frozen = frozenHalf()
        return try measure { _ = try frozen() }
    }

    /// What devices publish of a batch: activations of some sequences each.
    private func frozenHalf() -> () throws -> [Storage] {
        let forward = FrozenForward(model: model), cut = recipe.model.frozenBlocks
        let sequences = sequences, size = recipe.devices.publishBatch
        let parts = stride(from: 0, to: sequences.count, by: size).map {
            Array(sequences[$0..<min($0 + size, sequences.count)])
        }
        return { [pool] in try pool.map(parts.count) { try forward.activations(of: parts[$0], cut: cut) } }
    }

    private func microBatches(of messages: [Storage]) -> [MicroBatch] {
        let (lengths, width, published) = (options.lengths, model.hyperparameters.width, recipe.devices.publishBatch)
        let all = stride(from: 0, to: lengths.count, by: published).map {
            SequenceLayout(lengths: Array(lengths[$0..<min($0 + published, lengths.count)]))
        }
        return stride(from: 0, to: lengths.count, by: recipe.training.microBatch).map { first in
            let part = first..<min(first + recipe.training.microBatch, lengths.count)
            let own = SequenceLayout(lengths: Array(lengths[part]))
            return MicroBatch(lengths: Array(lengths[part]), targets: part.map { [Int32($0) % 2] }) { x_TD in
                for (place, sequence) in part.enumerated() {
                    let (message, sample) = sequence.quotientAndRemainder(dividingBy: published)
                    let sent = messages[message].matrix(rows: all[message].tokens, columns: width)
                    x_TD.rows(own.rows(of: place)).copy(from: sent.rows(all[message].rows(of: sample)))
                }
            }
        }
    }

    private func measure(_ step: () throws -> Void) throws -> Report {
        for _ in 0..<Self.warmUp { try step() }
        WorkClock.start()
        let before = ProcessorTime.ofProcess
        let seconds = try (0..<options.steps).map { _ in
            let start = ContinuousClock.now
            try step()
            return (.now - start) / .seconds(1)
        }
        let processor = (ProcessorTime.ofProcess - before) / .seconds(1)
        let tokens = Double(options.lengths.reduce(0, +))
        return Report(
            tokensPerSecond: tokens / median(seconds), bestTokensPerSecond: tokens / (seconds.min() ?? .infinity),
            processorSeconds: processor / Double(options.steps), productShare: WorkClock.productSeconds / processor,
            attentionShare: WorkClock.attentionSeconds / processor, peakBytes: ProcessMemory.peakResidentBytes,
            seconds: seconds, products: MatrixLibrary.chosen.description,
            kernels: Kernels.best.name)
    }

    /// Tokens by a rule that the peer follows too; what they are changes no time.
    private var sequences: [[Int32]] {
        let vocabulary = model.hyperparameters.vocabularySize
        return options.lengths.enumerated().map { sequence, length in
            (0..<length).map { Int32((7919 * sequence + 104_729 * $0 + 1) % vocabulary) }
        }
    }

    /// Steps before those that count: the first takes its memory from the system, the next still finds much of it cold.
    private static let warmUp = 2
}
