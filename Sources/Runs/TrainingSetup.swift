import Checkpoints
import Datasets
import Diagnostics
import Methods
import Models
import Pipeline
import Queueing
import Recipes
import Tensors

/// Everything that training needs, made of a recipe once its model is there and every device has said how many samples
/// it holds, whatever the method.
public struct TrainingSetup: Sendable {
    /// The recipe's seed decides every use of chance.
    let recipe: Recipe
    let model: LanguageModel
    /// How many samples each device holds.
    let counts: [Int]
    let head: OutputHead
    let parameters: TrainableParameters
    let trainer: Trainer
    /// The course of the learning rate by steps.
    let rates: LearningRateSchedule
    /// Nil where micro-batches are trained side by side.
    let pipeline: PipelineSetup?
    let pool: ComputePool
    /// Where the role that trains is traced.
    let tracer: Tracer?
    /// How many steps there are.
    let budget: StepBudget

    /// - Parameters:
    ///   - counts: how many samples each device holds.
    ///   - labelTokens: the token of each class's label word, for a verbalizer.
    ///   - tracer: where the role that trains is traced.
    ///   - manner: what threads have to do with the stages of a pipeline.
    ///   - observer: is told each step of a pipeline.
    /// - Throws: what the model throws for a label token outside the vocabulary or for weights that cannot be read;
    ///   `ScheduleError` for a pipeline that is not possible.
    public init(
        _ recipe: Recipe, model: LanguageModel, counts: [Int], labelTokens: [Int], pool: ComputePool,
        tracer: Tracer? = nil, manner: Executor.Manner = .helping,
        observer: (@Sendable (StepTrace) -> Void)? = nil
    ) throws {
        self.recipe = recipe
        self.model = model
        self.counts = counts
        self.pool = pool
        self.tracer = tracer
        head = try OutputHead(recipe, model: model, labelTokens: labelTokens)
        let layout = TrainableLayout(recipe, model: model.hyperparameters)
        parameters = try TrainableParameters(layout: layout, model: model, seed: recipe.seed)
        let training = recipe.training
        let optimizer = training.makeOptimizer(layout)
        let budget = StepBudget(recipe, samples: counts.reduce(0, +))
        let rates = budget.rates(training)
        self.budget = budget
        self.rates = rates
        guard recipe.pipeline.stages > 1 else {
            pipeline = nil
            trainer = Trainer(
                model: model, head: head, parameters: parameters, frozenBlocks: recipe.blocksBelowTraining,
                recomputes: training.recompute, optimizer: optimizer, schedule: rates, seed: recipe.seed, pool: pool)
            trainer.tracer = tracer
            return
        }
        let pipeline = try PipelineSetup(recipe, model: model, head: head, parameters: parameters, manner: manner)
        self.pipeline = pipeline
        trainer = Trainer(
            model: model, head: head, parameters: parameters, stages: pipeline.stages, schedule: pipeline.schedule,
            stashCapBytes: pipeline.capBytes, optimizer: optimizer, schedule: rates, seed: recipe.seed, pool: pool,
            manner: manner, stageCosts: pipeline.stageCosts
        ) { step in
            pipeline.took(step)
            observer?(step)
        }
        trainer.tracer = tracer
    }

    /// Training samples of all devices.
    var samples: Int { counts.reduce(0, +) }

    /// Optimizer steps, or rounds, of all epochs.
    var totalSteps: Int { budget.steps }
}

/// How many steps a run has: whatever the method, it trains on as many batches.
struct StepBudget {
    /// Steps, or rounds where devices train on their own.
    let steps: Int
    /// Batches of each device in a round; 1 without rounds.
    let localSteps: Int
    /// Batches of the run before they were divided into rounds.
    private let batches: Int

    /// - Parameter samples: of all devices.
    init(_ recipe: Recipe, samples: Int) {
        let training = recipe.training
        batches = training.epochs * ((samples + training.batch - 1) / training.batch)
        localSteps = training.method.isFederated ? recipe.method.localSteps : 1
        let perRound = training.method.isFederated ? localSteps * recipe.devices.cuts.count : 1
        steps = perRound == 1 ? batches : max(1, (batches + perRound / 2) / perRound)
    }

    /// The course of the learning rate by the steps that each parameter takes. The share of warm-up stays what it is.
    func rates(_ training: Recipe.Training) -> LearningRateSchedule {
        let own = steps * localSteps
        return LearningRateSchedule(
            peak: training.learningRate, warmupSteps: training.warmupSteps * own / max(1, batches), totalSteps: own,
            shape: LearningRateSchedule.Shape(training.schedule))
    }
}

extension OutputHead {
    /// The head that a recipe asks for.
    ///
    /// - Throws: what the model throws when the head's weights cannot be read.
    init(_ recipe: Recipe, model: LanguageModel, labelTokens: [Int]) throws {
        switch recipe.task.head {
        case .verbalizer: try self.init(model: model, labelTokens: labelTokens)
        case .classifier: self.init(model: model, classes: recipe.task.labels.count)
        case .lm: try self.init(languageModel: model)
        }
    }
}

extension TrainableLayout {
    /// What a recipe trains: adapters, or whole blocks, above the frozen ones, and a classifier where the task has one.
    init(_ recipe: Recipe, model: Hyperparameters) {
        let classes = recipe.task.head == .classifier ? recipe.task.labels.count : nil
        let above = recipe.blocksBelowTraining..<model.layers
        guard recipe.training.trainable == .lora else {
            self.init(model: model, blocks: above, form: .full, classes: classes)
            return
        }
        let lora = recipe.lora
        let sites = model.family.linears(model).filter { lora.targets?.contains($0.target) ?? true }
        self.init(
            // Recipes count blocks from 1.
            model: model, blocks: lora.blocks.map { Range($0.lowerBound - 1...$0.upperBound - 1) } ?? above,
            form: .lowRank(
                LowRankForm(
                    rank: lora.rank, alpha: lora.alpha, isRankStabilised: lora.rslora, dropout: Float(lora.dropout),
                    modules: Set(sites.map(\.module)))),
            classes: classes)
    }
}

extension Recipe.Training {
    /// How many numbers the optimizer remembers of each parameter.
    var optimizerStateCount: Int {
        switch optimizer {
        case .adamw: AdamW.stateCount
        case .sgd: SGD.stateCount(momentum: momentum)
        }
    }

    func makeOptimizer(_ layout: TrainableLayout) -> any Models.Optimizer {
        switch optimizer {
        case .adamw:
            AdamW(
                layout: layout,
                coefficients: AdamWCoefficients(
                    beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon),
                    weightDecay: Float(weightDecay)),
                clipNorm: clipNorm)
        case .sgd:
            SGD(layout: layout, momentum: Float(momentum), weightDecay: Float(weightDecay), clipNorm: clipNorm)
        }
    }
}

extension LearningRateSchedule.Shape {
    init(_ schedule: Recipe.Schedule) {
        self =
            switch schedule {
            case .constant: .constant
            case .linear: .linear
            case .cosine: .cosine
            }
    }
}
