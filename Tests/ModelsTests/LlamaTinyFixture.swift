import Checkpoints
import Datasets
import Foundation
import Methods
import Models
import Support
import Tensors
import Testing

/// The small Llama of `Tests/Fixtures/llama-tiny` with its adapters, its micro-batch and what the reference made of it.
struct LlamaTinyFixture {
    let model: LlamaModel
    let head: VerbalizerHead
    /// As they are before training.
    let adapters: AdapterTensors
    let trial: Trial
    private let kernels: Kernels
    private let expected: SafetensorsFile

    init(kernels: Kernels) throws {
        let folder = Fixtures.folder.appendingPathComponent("llama-tiny")
        trial = try JSONDecoder().decode(
            Trial.self, from: Data(contentsOf: folder.appendingPathComponent("case.json")))
        expected = try SafetensorsFile(folder.appendingPathComponent("expected.safetensors"))
        model = try LlamaModel(
            source: HubFixtureSource(folder: folder), maximumTokens: trial.sequences.map(\.count).max() ?? 0,
            kernels: kernels)
        head = try VerbalizerHead(model: model, labelTokens: trial.labelWords)
        adapters = try AdapterTensors(
            PEFTAdapter(contentsOf: folder.appendingPathComponent("adapter")), model: model.hyperparameters)
        self.kernels = kernels
    }

    var examples: [EncodedExample] {
        zip(trial.sequences, trial.labels).map { EncodedExample(tokens: $0, label: $1) }
    }

    /// Blocks below the adapters.
    var frozenBlocks: Int { adapters.layout.blocks.lowerBound }

    /// An expected tensor, row by row.
    func expected(_ name: String) throws -> [Float] { try expected.values(name) }

    /// Expected LoRA tensors by PEFT's names: gradients (`grad`) or adapters after training (`lora_after`).
    func expectedAdapters(_ kind: String) throws -> [String: [Float]] {
        let names = expected.shapes.keys.filter { $0.hasPrefix("\(kind).") }
        return Dictionary(
            uniqueKeysWithValues: try names.map { (String($0.dropFirst(kind.count + 1)), try expected.values($0)) })
    }

    /// The micro-batches of the trial, of so many sequences each, above the frozen blocks.
    func microBatches(of size: Int) -> [MicroBatch] {
        let forward = FrozenForward(model: model)
        return Batches.cut(examples, size: size).map { [frozenBlocks] part in
            MicroBatch(lengths: part.map(\.tokens.count), targets: part.map(\.targets)) { x_TD in
                let activations = try forward.activations(of: part.map(\.tokens), cut: frozenBlocks)
                x_TD.copy(from: activations.matrix(rows: x_TD.rows, columns: x_TD.columns))
            }
        }
    }

    /// The trainer that the trial's optimizer describes.
    func trainer() -> AdapterTrainer {
        let settings = trial.optimizer
        return AdapterTrainer(
            model: model, head: head, adapters: adapters,
            optimizer: AdamW(
                layout: adapters.layout,
                coefficients: AdamWCoefficients(
                    beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
                    weightDecay: settings.weightDecay),
                clipNorm: settings.clipNorm, kernels: kernels),
            schedule: LearningRateSchedule(
                peak: settings.learningRate, warmupSteps: settings.warmupSteps, totalSteps: settings.steps,
                shape: .constant),
            pool: ComputePool(threads: 2))
    }
}

/// `case.json`: the micro-batch and the hyper-parameters.
struct Trial: Decodable {
    struct Optimizer: Decodable {
        let learningRate: Double
        let beta1: Float
        let beta2: Float
        let epsilon: Float
        let weightDecay: Float
        let clipNorm: Double
        let warmupSteps: Int
        let steps: Int

        enum CodingKeys: String, CodingKey {
            case beta1, beta2, epsilon, steps
            case learningRate = "learning_rate"
            case weightDecay = "weight_decay"
            case clipNorm = "clip_norm"
            case warmupSteps = "warmup_steps"
        }
    }

    let sequences: [[Int32]]
    let labels: [Int]
    let labelWords: [Int]
    let optimizer: Optimizer

    enum CodingKeys: String, CodingKey {
        case sequences, labels, optimizer
        case labelWords = "label_words"
    }
}

extension AdapterTensors {
    /// The factors of an adapter folder.
    convenience init(_ adapter: PEFTAdapter, model: Hyperparameters) throws {
        let first = try #require(adapter.layers.first), last = try #require(adapter.layers.last)
        let modules = Set(adapter.pairs.keys.map(\.module))
        self.init(
            layout: AdapterLayout(
                model: model, blocks: first..<last + 1,
                targets: Set(AdapterTarget.allCases.filter { modules.contains($0.modulePath) }),
                rank: adapter.rank, alpha: Float(adapter.alpha)))
        try #require(layout.slots.count == adapter.pairs.count)
        for slot in layout.slots {
            let pair = try #require(adapter.pairs[AdapterSite(layer: slot.block, module: slot.target.modulePath)])
            for (factor, values) in [(term(slot).a_RI, pair.a), (term(slot).b_OR, pair.b)] {
                try #require(factor.count == values.count)
                factor.base.update(from: values, count: values.count)
            }
        }
    }

    /// Every factor by PEFT's name.
    var byName: [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: layout.slots.flatMap { slot in
                let place = "base_model.model.model.layers.\(slot.block).\(slot.target.modulePath)"
                return [
                    ("\(place).lora_A.weight", term(slot).a_RI.values),
                    ("\(place).lora_B.weight", term(slot).b_OR.values),
                ]
            })
    }
}
