import Datasets
import Methods
import Models
import Recipes

/// The programs of a recipe's method, and what becomes of the setup's parameters, with which both sides begin.
struct RecipePrograms: Sendable {
    let server: any ServerProgram
    let devices: [any DeviceProgram]
    /// Puts what was trained into the setup's parameters.
    let finish: @Sendable () -> Void

    /// - Parameter shards: training examples by device.
    init(_ setup: TrainingSetup, shards: [[EncodedExample]]) {
        let recipe = setup.recipe
        let shards = shards.enumerated().map {
            DeviceShard(device: $0.offset, examples: $0.element, batch: recipe.training.batch, seed: recipe.seed)
        }
        switch recipe.training.method {
        case .splitlora: self.init(splitLoRA: setup, shards)
        case .hosl, .zo: self.init(probing: setup, shards)
        case .fedlora, .soft: self.init(federated: setup, shards)
        case .splitfrozen, .central: preconditionFailure("these have no pair of programs that trains on devices")
        }
    }

    private init(splitLoRA setup: TrainingSetup, _ shards: [DeviceShard]) {
        let recipe = setup.recipe, cut = recipe.commonCut
        let (lower, upper) = setup.parameters.split(at: cut)
        let server = SplitLoRAServer(
            model: setup.model, head: setup.head, parameters: upper, lowerLayout: lower.layout,
            settings: .init(
                devices: shards.count, cut: cut, steps: setup.totalSteps,
                averagingSteps: recipe.method.averagingSteps, followsPublishedCode: recipe.method.reference),
            rule: setup.rule, seed: recipe.seed)
        let devices = shards.map {
            SplitLoRADevice(
                model: setup.model, parameters: lower.copied(), cut: cut, shard: $0, rule: setup.rule,
                seed: recipe.seed)
        }
        self.init(joining: server, devices, setup.parameters)
    }

    private init(probing setup: TrainingSetup, _ shards: [DeviceShard]) {
        let recipe = setup.recipe, method = recipe.method, cut = recipe.commonCut
        let hasGradient = recipe.training.method == .hosl
        let variant: ProbingSettings.Variant =
            !hasGradient ? .zerothOrder : method.variant == .code ? .publishedCode : .threePhases
        let settings = ProbingSettings(
            variant: variant, cut: cut, pairs: method.pairs, epsilon: Float(method.epsilon),
            learningRate: method.deviceLearningRate, seed: recipe.seed)
        let (lower, upper) = setup.parameters.split(at: cut)
        let server =
            hasGradient
            ? ProbingServer(
                model: setup.model, head: setup.head, parameters: upper, settings: settings, rule: setup.rule,
                devices: shards.count, steps: setup.totalSteps, atOnce: method.atOnce)
            : ProbingServer(
                model: setup.model, head: setup.head, parameters: upper, settings: settings,
                learningRate: recipe.training.learningRate, devices: shards.count, steps: setup.totalSteps,
                atOnce: method.atOnce)
        let devices = shards.map {
            ProbingDevice(model: setup.model, parameters: lower.copied(), shard: $0, settings: settings)
        }
        self.init(joining: server, devices, setup.parameters)
    }

    private init(federated setup: TrainingSetup, _ shards: [DeviceShard]) {
        let recipe = setup.recipe, method = recipe.method, rank = recipe.lora.rank
        let isSparse = recipe.training.method == .soft
        let aggregation: FederatedSettings.Aggregation =
            isSparse
            ? (method.keeps == .ranks ? .keptRanks : .keptEntries) : method.fair ? .fair(lambda: 0.01) : .mean
        let settings = FederatedSettings(
            rounds: setup.totalSteps, localSteps: method.localSteps, aggregation: aggregation,
            orthogonality: isSparse ? method.orthogonality : 0)
        let ranks = method.ranks ?? shards.map { _ in rank }
        let kept = shards.map { _ in RankSelection.kept(rank: rank, sparsity: method.sparsity) }
        server = FederatedServer(parameters: setup.parameters, ranks: ranks, settings: settings) { _, _ in kept }
        devices = zip(shards, ranks).map { shard, rank in
            FederatedDevice(
                model: setup.model, head: setup.head, parameters: setup.parameters.withRank(rank), shard: shard,
                settings: settings, rule: setup.rule, seed: recipe.seed)
        }
        finish = {}
    }

    private init(
        joining server: any ServerProgram, _ devices: [any TrainingDeviceProgram], _ whole: TrainableParameters
    ) {
        self.server = server
        self.devices = devices
        finish = {
            let joined = TrainableParameters.joined(
                devices: devices.map(\.parameters), server: server.parameters, whole: whole.layout)
            whole.flat.copy(from: joined.flat)
        }
    }
}

extension TrainingSetup {
    /// How gradients become steps, wherever that is.
    fileprivate var rule: LearningRule {
        LearningRule(schedule: rates) { [training = recipe.training] in training.makeOptimizer($0) }
    }
}

extension TrainableParameters {
    /// Copies of what lies below a cut and above it; a classifier lies above.
    fileprivate func split(at cut: Int) -> (lower: TrainableParameters, upper: TrainableParameters) {
        let lower = TrainableParameters(
            layout: TrainableLayout(model: layout.model, blocks: 0..<cut, form: layout.form))
        let upper = TrainableParameters(
            layout: TrainableLayout(
                model: layout.model, blocks: cut..<layout.model.layers, form: layout.form, classes: layout.classes))
        lower.flat.copy(from: flat.columns(0..<lower.layout.count))
        upper.flat.copy(from: flat.columns(lower.layout.count..<layout.count))
        return (lower, upper)
    }
}
