import Datasets
import Diagnostics
import Methods
import Models
import Randomness
import Recipes
import Tensors

/// Measures what a device of a method needs to hold: its program on the shape of GPT-2 small with random weights, and a
/// server that answers what it is asked without computing anything. The process's peak is the device's, so a process
/// measures one device.
public struct DeviceBench {
    /// What is measured.
    public struct Options: Sendable {
        /// Samples of a batch, or of a message.
        public var batch = 16
        /// Tokens of a sample.
        public var tokens = 128
        /// Blocks on the device, for methods that split the model.
        public var cut = 6
        /// Steps, or messages.
        public var steps = 2
        /// Directions of a step, for methods that probe.
        public var pairs = 1

        /// The usual ones.
        public init() {}
    }

    private let recipe: Recipe
    private let options: Options

    private var method: Recipe.Method { recipe.training.method }

    /// - Parameter overrides: `key=value` pairs of a recipe; `training.method` says which device.
    /// - Throws: `RecipeError`, or `DeviceBenchError` for a method without devices.
    public init(gpt2Small overrides: [String], _ options: Options) throws {
        recipe = try Recipe.gpt2Small(frozenBlocks: options.cut, overrides: overrides)
        self.options = options
        guard recipe.training.method != .central else { throw DeviceBenchError.noDevice }
    }

    /// Runs the device to the end of its steps.
    ///
    /// - Throws: what the program throws.
    public func run() throws -> DeviceBenchReport {
        let shape = try ShapedModel.gpt2Small()
        let blocks = method.isFederated ? shape.hyperparameters.layers : options.cut
        let model = try LanguageModel(source: shape, maximumTokens: options.tokens, loadedBlocks: blocks)
        let loaded = ProcessMemory.residentBytes
        let program = try program(model, blocks: blocks)
        var server = AnsweringServer(method: method, steps: options.steps, pairs: options.pairs)
        var inbox = [DeviceProgramEvent.received(try firstMessage(model, blocks: blocks) ?? server.turn)][...]
        while let event = inbox.popFirst() {
            for case .send(let message) in try program.handle(event) {
                // While it is on its way, there are the message's bytes as well.
                withExtendedLifetime(message.payload) {}
                inbox += [.drained] + server.answers(to: message).map { .received($0) }
            }
        }
        return DeviceBenchReport(
            method: method.rawValue, batch: options.batch, tokens: options.tokens, blocks: blocks,
            steps: options.steps, loadedBytes: loaded, peakBytes: ProcessMemory.peakResidentBytes)
    }

    /// The adapters with which a round begins, where devices train the whole model.
    private func firstMessage(_ model: LanguageModel, blocks: Int) throws -> MethodMessage? {
        guard method.isFederated else { return nil }
        let parameters = try start(model, blocks: blocks), rank = recipe.lora.rank
        let kept = RankSelection.kept(rank: rank, sparsity: recipe.method.sparsity)
        let server = FederatedServer(parameters: parameters, ranks: [rank], settings: federated) { _, _ in [kept] }
        for case .send(let message, _) in try server.handle(.begin) { return message }
        return nil
    }

    private var federated: FederatedSettings {
        FederatedSettings(
            rounds: 1, localSteps: options.steps, aggregation: method == .soft ? .keptRanks : .mean,
            orthogonality: method == .soft ? recipe.method.orthogonality : 0)
    }

    private var shard: DeviceShard {
        var generator = SeededGenerator(seed: recipe.seed, stream: "bench/device")
        let examples = (0..<options.batch * options.steps).map { _ in
            EncodedExample(tokens: (0..<options.tokens).map { _ in Int32(generator.next() % 50_257) }, label: 0)
        }
        return DeviceShard(device: 0, examples: examples, batch: options.batch, seed: recipe.seed)
    }

    /// What trains on the device, as it is at first.
    private func start(_ model: LanguageModel, blocks: Int) throws -> TrainableParameters {
        let whole = TrainableLayout(recipe, model: model.hyperparameters)
        let layout = TrainableLayout(
            model: model.hyperparameters, blocks: 0..<blocks, form: whole.form,
            classes: method.isFederated ? whole.classes : nil)
        return try TrainableParameters(layout: layout, model: model, seed: recipe.seed)
    }

    private func program(_ model: LanguageModel, blocks: Int) throws -> any DeviceProgram {
        let seed = recipe.seed, shard = shard
        guard method != .splitfrozen else {
            return SplitFrozenDevice(
                forward: FrozenForward(model: model), device: 0, examples: shard.examples, cut: options.cut,
                groupSize: options.batch, maximumTokens: .max, seed: seed)
        }
        let parameters = try start(model, blocks: blocks)
        guard !method.probes else {
            return ProbingDevice(
                model: model, parameters: parameters, shard: shard,
                settings: ProbingSettings(
                    variant: method == .hosl ? .threePhases : .zerothOrder, cut: options.cut, pairs: options.pairs,
                    epsilon: Float(recipe.method.epsilon), learningRate: recipe.method.deviceLearningRate, seed: seed))
        }
        let rule = LearningRule(
            schedule: LearningRateSchedule(peak: 1e-4, warmupSteps: 0, totalSteps: options.steps, shape: .constant)
        ) { [training = recipe.training] in training.makeOptimizer($0) }
        guard method.isFederated else {
            return SplitLoRADevice(
                model: model, parameters: parameters, cut: options.cut, shard: shard, rule: rule, seed: seed)
        }
        return FederatedDevice(
            model: model, head: try OutputHead(recipe, model: model, labelTokens: []), parameters: parameters,
            shard: shard, settings: federated, rule: rule, seed: seed)
    }
}

/// What a device's process took.
public struct DeviceBenchReport: Codable, Sendable {
    /// The method.
    public var method: String
    /// Samples of a batch.
    public var batch: Int
    /// Tokens of a sample.
    public var tokens: Int
    /// Blocks on the device.
    public var blocks: Int
    /// Steps that it took.
    public var steps: Int
    /// Resident once the weights were there.
    public var loadedBytes: Int
    /// The most that was ever resident.
    public var peakBytes: Int
}

/// Why no device can be measured.
public enum DeviceBenchError: NumberedError, Equatable {
    /// The method trains in one place.
    case noDevice

    /// The number with which the process exits.
    public var exitCode: ExitCode { .recipeImpossibleValue }

    /// What was wrong, and where.
    public var problem: String { "training.method=central has no device" }

    /// What to do next.
    public var remedy: String { "Name another method, such as training.method=splitfrozen" }
}
