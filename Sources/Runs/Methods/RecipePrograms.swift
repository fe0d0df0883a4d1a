import Datasets
import Experiments
import Methods
import Models
import Recipes

/// The programs of a recipe's method in one process, and what becomes of the setup's parameters, with which both sides
/// begin.
struct RecipePrograms: Sendable {
    let server: any ServerProgram
    let devices: [any TrainingDeviceProgram]
    private let plan: MethodPlan
    private let parameters: TrainableParameters

    /// - Parameter shards: training examples by device.
    /// - Throws: what the model throws when weights cannot be read.
    init(_ setup: TrainingSetup, shards: [[EncodedExample]]) throws {
        parameters = setup.parameters
        plan = MethodPlan(setup)
        server = try plan.server(head: setup.head)
        devices = try shards.enumerated().map { [plan] number, examples in
            try plan.device(DeviceShard(setup.recipe, device: number, examples), head: { setup.head })
        }
    }

    /// Puts what was trained into the setup's parameters.
    func finish() { parameters.flat.copy(from: plan.trained(server, devices).flat) }
}

extension MethodPlan {
    /// The plan of a recipe's method.
    ///
    /// - Parameters:
    ///   - model: of as many blocks as are run.
    ///   - samples: of all devices.
    ///   - start: what training begins with.
    init(
        _ recipe: Recipe, model: LanguageModel, samples: Int,
        start: @escaping @Sendable (TrainableLayout) throws -> TrainableParameters
    ) {
        let training = recipe.training, budget = StepBudget(recipe, samples: samples)
        self.init(
            recipe.programs(steps: budget.steps), model: model,
            whole: TrainableLayout(recipe, model: model.hyperparameters),
            rule: LearningRule(schedule: budget.rates(training)) { training.makeOptimizer($0) }, seed: recipe.seed,
            start: start)
    }

    /// The plan of a server that has made everything ready.
    init(_ setup: TrainingSetup) {
        self.init(setup.recipe, model: setup.model, samples: setup.samples) { [parameters = setup.parameters] in
            parameters.part($0)
        }
    }
}

extension DeviceShard {
    /// A device's examples, in batches of the recipe.
    init(_ recipe: Recipe, device: Int, _ examples: [EncodedExample]) {
        self.init(device: device, examples: examples, batch: recipe.training.batch, seed: recipe.seed)
    }
}

extension Recipe {
    /// The method, and what is decided of it alone.
    var methodSettings: MethodSettings {
        switch training.method {
        case .central: .central
        case .splitfrozen: .splitfrozen(messageSamples: devices.publishBatch)
        case .splitlora: .splitlora(averagingSteps: method.averagingSteps, followsPublishedCode: method.reference)
        case .fedlora: .fedlora(localSteps: method.localSteps, isFair: method.fair, ranks: method.ranks)
        case .hosl: .hosl(probes)
        case .zo: .zo(probes)
        case .soft:
            .soft(
                .init(
                    localSteps: method.localSteps, orthogonality: method.orthogonality, sparsity: method.sparsity,
                    sent: method.keeps == .entries ? .entries : .ranks))
        }
    }

    /// What the programs of a method that trains on devices are made of.
    ///
    /// - Parameter steps: of all devices together, or rounds.
    func programs(steps: Int) -> MethodPlan.Method {
        methodSettings.programs(
            devices: devices.cuts.count, cut: commonCut, rank: lora.rank, steps: steps,
            learningRate: training.learningRate, seed: seed)
    }

    private var probes: MethodSettings.Probes {
        .init(
            pairs: method.pairs, epsilon: Float(method.epsilon), deviceLearningRate: method.deviceLearningRate,
            followsPublishedCode: method.variant == .code, atOnce: method.atOnce)
    }
}
