import Datasets
import Methods
import Models
import Queueing
import Recipes
import Tensors

/// Everything that training needs, made of a recipe once its model and data are there, whatever the method.
public struct TrainingSetup: Sendable {
    /// The recipe's seed decides every use of chance.
    let recipe: Recipe
    let model: LlamaModel
    let shards: [[EncodedExample]]
    let head: VerbalizerHead
    let adapters: AdapterTensors
    let trainer: AdapterTrainer
    let pool: ComputePool

    /// - Parameters:
    ///   - shards: training examples by device.
    ///   - labelTokens: the token of each class's label word.
    /// - Throws: what the model throws for a label token outside the vocabulary.
    public init(
        _ recipe: Recipe, model: LlamaModel, shards: [[EncodedExample]], labelTokens: [Int], pool: ComputePool
    ) throws {
        self.recipe = recipe
        self.model = model
        self.shards = shards
        self.pool = pool
        head = try VerbalizerHead(model: model, labelTokens: labelTokens)
        let layout = AdapterLayout(recipe, model: model)
        adapters = AdapterTensors(layout: layout, seed: recipe.seed)
        let training = recipe.training
        trainer = AdapterTrainer(
            model: model, head: head, adapters: adapters,
            optimizer: AdamW(
                layout: layout,
                coefficients: AdamWCoefficients(
                    beta1: Float(training.beta1), beta2: Float(training.beta2), epsilon: Float(training.epsilon),
                    weightDecay: Float(training.weightDecay)),
                clipNorm: training.clipNorm),
            schedule: LearningRateSchedule(
                peak: training.learningRate, warmupSteps: training.warmupSteps,
                totalSteps: Self.totalSteps(recipe, samples: shards.reduce(0) { $0 + $1.count }),
                shape: training.schedule == .linear ? .linear : .constant),
            pool: pool)
    }

    /// Training examples of all devices.
    var samples: Int { shards.reduce(0) { $0 + $1.count } }

    /// Optimizer steps of all epochs.
    var totalSteps: Int { Self.totalSteps(recipe, samples: samples) }

    private static func totalSteps(_ recipe: Recipe, samples: Int) -> Int {
        recipe.training.epochs * ((samples + recipe.training.batch - 1) / recipe.training.batch)
    }
}

extension AdapterLayout {
    /// The adapters that a recipe asks for: in every block above the frozen ones.
    init(_ recipe: Recipe, model: LlamaModel) {
        self.init(
            model: model.hyperparameters, blocks: recipe.model.frozenBlocks..<model.hyperparameters.layers,
            targets: recipe.lora.targets.map { Set($0.compactMap(AdapterTarget.init)) } ?? Set(AdapterTarget.allCases),
            rank: recipe.lora.rank,
            alpha: Float(recipe.lora.alpha))
    }
}
