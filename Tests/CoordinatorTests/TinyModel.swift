import Datasets
import Methods
import Models
import Randomness
import Support
import Synchronization
import Tensors

/// A tiny random model of 4 blocks or more, of which 2 are frozen, and what of it trains.
final class TinyModel: Sendable {
    static let frozenBlocks = 2

    let forward: FrozenForward
    let pool = ComputePool(threads: 2)
    let model: LanguageModel
    private let layers: Int
    private let isFull: Bool

    /// - Parameter isFull: whether blocks train as a whole, and not adapters.
    init(layers: Int = 4, isFull: Bool = false) throws {
        self.layers = layers
        self.isFull = isFull
        model = try LanguageModel(source: RandomModelSource(layers: layers), maximumTokens: 32)
        forward = FrozenForward(model: model)
    }

    func trainer() throws -> Trainer {
        let layout = layout
        return Trainer(
            model: model, head: try OutputHead(model: model, labelTokens: [3, 7]),
            parameters: try TrainableParameters(layout: layout, model: model, seed: 5),
            frozenBlocks: Self.frozenBlocks, optimizer: optimizer, schedule: rates, seed: 5, pool: pool)
    }

    var layout: TrainableLayout {
        let sizes = model.hyperparameters, blocks = Self.frozenBlocks..<layers
        return isFull
            ? TrainableLayout(model: sizes, blocks: blocks, form: .full)
            : TrainableLayout.adapters(sizes, blocks: blocks, rank: 2, alpha: 4)
    }
    var optimizer: AdamW { AdamW(layout: layout, coefficients: AdamWCoefficients(), clipNorm: 1) }
    var rates: LearningRateSchedule {
        LearningRateSchedule(peak: 0.01, warmupSteps: 3, totalSteps: 20, shape: .constant)
    }

    /// The same training in one place.
    func central() -> CentralTraining {
        CentralTraining(model: model, frozenBlocks: Self.frozenBlocks, microBatch: 3)
    }

    static func shard(_ device: String, count: Int) -> [EncodedExample] {
        var generator = SeededGenerator(seed: 8, stream: "shard/\(device)")
        return (0..<count).map { _ in
            let tokens = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                Int32.random(in: 0..<50, using: &generator)
            }
            return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2))
        }
    }
}
