import Datasets
import Models
import Randomness
import Support
import Tensors

@testable import Methods

/// A small random model, its adapters in all blocks, and devices with texts of their own.
struct MethodBench {
    static let layers = 4
    static let batch = 5

    let model: LanguageModel
    let head: OutputHead
    let whole: TrainableLayout

    init(rank: Int = 3, dropout: Float = 0, form: TrainableLayout.Form? = nil, classes: Int? = nil) throws {
        let model = try LanguageModel(source: RandomModelSource(layers: Self.layers), maximumTokens: 32)
        self.model = model
        head =
            try classes.map { OutputHead(model: model, classes: $0) } ?? OutputHead(model: model, labelTokens: [3, 7])
        let adapters = TrainableLayout.adapters(
            model.hyperparameters, blocks: 0..<Self.layers, rank: rank, dropout: dropout)
        whole = TrainableLayout(
            model: model.hyperparameters, blocks: 0..<Self.layers, form: form ?? adapters.form, classes: classes)
    }

    /// - Parameter tokens: of each text; nil for some of each length.
    func shard(_ device: Int, samples: Int = 13, tokens length: Int? = nil) -> DeviceShard {
        var generator = SeededGenerator(seed: 4, stream: "texts/\(device)")
        let examples = (0..<samples).map { _ in
            let tokens = (0..<(length ?? Int.random(in: 1...9, using: &generator))).map { _ in
                Int32.random(in: 0..<50, using: &generator)
            }
            return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2))
        }
        return DeviceShard(device: device, examples: examples, batch: Self.batch, seed: 6)
    }

    /// What trains, random, so that every gradient is different from zero; weights of the model where all of them train.
    func parameters(seed: UInt64 = 1) throws -> TrainableParameters {
        whole.lowRank == nil
            ? try TrainableParameters(layout: whole, model: model, seed: seed)
            : TrainableParameters(random: whole, seed: seed)
    }

    func lower(_ cut: Int, of parameters: TrainableParameters) -> TrainableParameters {
        let layout = TrainableLayout(model: whole.model, blocks: 0..<cut, form: whole.form)
        let lower = TrainableParameters(layout: layout)
        lower.flat.copy(from: parameters.flat.columns(0..<layout.count))
        return lower
    }

    func upper(_ cut: Int, of parameters: TrainableParameters) -> TrainableParameters {
        let layout = TrainableLayout(
            model: whole.model, blocks: cut..<Self.layers, form: whole.form, classes: whole.classes)
        let upper = TrainableParameters(layout: layout)
        upper.flat.copy(from: parameters.flat.columns(whole.count - layout.count..<whole.count))
        return upper
    }

    static func adamW(_ rate: Double = 0.01) -> LearningRule {
        LearningRule(schedule: LearningRateSchedule(peak: rate, warmupSteps: 3, totalSteps: 20, shape: .linear)) {
            AdamW(layout: $0, coefficients: AdamWCoefficients(), clipNorm: nil)
        }
    }

    static func steadyAdamW() -> LearningRule {
        LearningRule(schedule: LearningRateSchedule(peak: 0.01, warmupSteps: 3, totalSteps: 20, shape: .constant)) {
            AdamW(layout: $0, coefficients: AdamWCoefficients(), clipNorm: nil)
        }
    }

    static func descent(_ rate: Double) -> LearningRule {
        LearningRule(schedule: LearningRateSchedule(peak: rate, warmupSteps: 0, totalSteps: 1, shape: .constant)) {
            SGD(layout: $0, momentum: 0, weightDecay: 0, clipNorm: nil)
        }
    }

    /// The reference: everything in one place, on the first device's batches.
    ///
    /// - Parameter frozenBlocks: blocks below all that trains.
    func central(
        _ parameters: TrainableParameters, rule: LearningRule, frozenBlocks: Int = 0, steps: Int, seed: UInt64 = 9
    ) throws -> TrainableParameters {
        let trained = parameters.copied()
        let trainer = Trainer(
            model: model, head: head, parameters: trained, frozenBlocks: frozenBlocks,
            optimizer: rule.optimizer(trained.layout), schedule: rule.schedule, seed: seed,
            pool: ComputePool(threads: 1))
        let central = CentralTraining(model: model, frozenBlocks: frozenBlocks, microBatch: Self.batch)
        let shard = shard(0)
        for step in 0..<steps {
            _ = try central.step(trainer, on: shard.batch(step).map { shard.examples[$0] })
        }
        return trained
    }

    /// The gradient of the mean loss over some examples.
    func gradient(of examples: [EncodedExample], at parameters: TrainableParameters) throws -> [Float] {
        let pass = MicroBatchPass(
            model: model, head: head, parameters: parameters, frozenBlocks: 0, memory: PassMemory())
        let activations = try FrozenForward(model: model).activations(of: examples.map(\.tokens), cut: 0)
        _ = try pass.forward(
            MicroBatch(lengths: examples.map(\.tokens.count), targets: examples.map(\.targets)) {
                $0.copy(from: activations.matrix(rows: $0.rows, columns: $0.columns))
            })
        pass.backward(lossScale: 1 / Float(examples.count))
        return pass.gradients.flat.values
    }
}

/// The cosine of the angle between two vectors.
func cosine(_ a: [Float], _ b: [Float]) -> Double {
    func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
}

func difference(_ a: [Float], _ b: [Float]) -> [Float] { zip(a, b).map { $0 - $1 } }
