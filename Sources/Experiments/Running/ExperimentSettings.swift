import Balancing
import Datasets
import Methods
import Models
import Tensors

/// What runs that are compared train, on what data and on which devices.
public struct ExperimentTask: Sendable {
    /// Frozen weights of all blocks.
    public var model: LanguageModel
    /// The same for all methods.
    public var head: OutputHead
    /// Training examples of each device, at least one.
    public var shards: [[EncodedExample]]
    /// What nobody trains on.
    public var evaluation: SharedEvaluation
    /// The devices.
    public var fleet: Fleet
    /// Of the numbers that devices compute with: decides their rates, not the results.
    public var precision: Fleet.Precision
    /// Blocks that each device of `splitfrozen` computes. Methods that train on devices have one cut for all of them, the
    /// smallest of these.
    public var cuts: [Int]
    /// The server.
    public var speed: ServerSpeed

    /// One shard and one cut for each device of the fleet.
    public init(
        model: LanguageModel, head: OutputHead, shards: [[EncodedExample]], evaluation: SharedEvaluation,
        fleet: Fleet,
        precision: Fleet.Precision = .fp32, cuts: [Int], speed: ServerSpeed
    ) {
        self.model = model
        self.head = head
        self.shards = shards
        self.evaluation = evaluation
        self.fleet = fleet
        self.precision = precision
        self.cuts = cuts
        self.speed = speed
    }
}

/// How a run trains.
public struct ExperimentSettings: Sendable {
    /// The method.
    public var method: MethodSettings
    /// What trains in blocks, on whichever side.
    public var form: TrainableLayout.Form
    /// Rows of a trained classifier, nil without one.
    public var classes: Int?
    /// C, below which nothing trains in `splitfrozen` and `central`; at least every cut.
    public var frozenBlocks: Int
    /// Samples of a step, of a device where it is its own.
    public var batch: Int
    /// The run ends with the step in which it has trained on so many tokens. A token counts each time that a step is made
    /// of its sample, whether by a gradient or by probes.
    public var tokenBudget: Int
    /// Evaluations after equal parts of the budget, the last one at the end.
    public var evaluations: Int
    /// The peak: of the server, or of devices where nothing trains on the server.
    public var learningRate: Double
    /// The share of all steps in which the rate rises.
    public var warmupShare: Double
    /// What follows.
    public var shape: LearningRateSchedule.Shape
    /// How many numbers the optimizer remembers of each parameter.
    public var optimizerStates: Int
    /// Makes one that remembers nothing yet.
    public var optimizer: @Sendable (TrainableLayout) -> any Optimizer

    /// Settings; AdamW unless another optimizer is given.
    public init(
        method: MethodSettings, form: TrainableLayout.Form, classes: Int? = nil, frozenBlocks: Int, batch: Int,
        tokenBudget: Int, evaluations: Int, learningRate: Double, warmupShare: Double = 0.06,
        shape: LearningRateSchedule.Shape = .linear, optimizerStates: Int = AdamW.stateCount,
        optimizer: @escaping @Sendable (TrainableLayout) -> any Optimizer = {
            AdamW(layout: $0, coefficients: AdamWCoefficients(), clipNorm: nil)
        }
    ) {
        self.method = method
        self.form = form
        self.classes = classes
        self.frozenBlocks = frozenBlocks
        self.batch = batch
        self.tokenBudget = tokenBudget
        self.evaluations = evaluations
        self.learningRate = learningRate
        self.warmupShare = warmupShare
        self.shape = shape
        self.optimizerStates = optimizerStates
        self.optimizer = optimizer
    }

    /// The rule of a run of so many steps.
    func rule(steps: Int) -> LearningRule {
        LearningRule(
            schedule: LearningRateSchedule(
                peak: learningRate, warmupSteps: Int(warmupShare * Double(steps)), totalSteps: steps, shape: shape),
            optimizer: optimizer)
    }
}
