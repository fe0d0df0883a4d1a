import Checkpoints
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
    let model: LanguageModel
    let shards: [[EncodedExample]]
    let head: OutputHead
    let parameters: TrainableParameters
    let trainer: Trainer
    let pool: ComputePool

    /// - Parameters:
    ///   - shards: training examples by device.
    ///   - labelTokens: the token of each class's label word.
    /// - Throws: what the model throws for a label token outside the vocabulary.
    public init(
        _ recipe: Recipe, model: LanguageModel, shards: [[EncodedExample]], labelTokens: [Int], pool: ComputePool
    ) throws {
        self.recipe = recipe
        self.model = model
        self.shards = shards
        self.pool = pool
        head = try OutputHead(model: model, labelTokens: labelTokens)
        let layout = TrainableLayout(recipe, model: model.hyperparameters)
        parameters = try TrainableParameters(layout: layout, model: model, seed: recipe.seed)
        let training = recipe.training
        trainer = Trainer(
            model: model, head: head, parameters: parameters, frozenBlocks: recipe.model.frozenBlocks,
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
            seed: recipe.seed, pool: pool)
    }

    /// Training examples of all devices.
    var samples: Int { shards.reduce(0) { $0 + $1.count } }

    /// Optimizer steps of all epochs.
    var totalSteps: Int { Self.totalSteps(recipe, samples: samples) }

    private static func totalSteps(_ recipe: Recipe, samples: Int) -> Int {
        recipe.training.epochs * ((samples + recipe.training.batch - 1) / recipe.training.batch)
    }
}

extension TrainableLayout {
    /// What a recipe trains: in every block above the frozen ones.
    init(_ recipe: Recipe, model: Hyperparameters) {
        let targets = Set(recipe.lora.targets.map(\.rawValue))
        let sites = model.family.linears(model).filter { targets.contains($0.target) }
        self.init(
            model: model, blocks: recipe.model.frozenBlocks..<model.layers,
            form: .lowRank(
                LowRankForm(rank: recipe.lora.rank, alpha: recipe.lora.alpha, modules: Set(sites.map(\.module)))))
    }
}
