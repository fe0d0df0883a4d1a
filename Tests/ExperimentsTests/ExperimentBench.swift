import Balancing
import Checkpoints
import Datasets
import Methods
import Models
import Randomness
import Support
import Tensors

@testable import Experiments

/// A small random model and a task that it can learn, on devices of three classes.
struct ExperimentBench {
    static let (layers, rank, batch) = (4, 3, 5)
    static let pool = ComputePool(threads: 1)

    let model: LanguageModel
    let head: OutputHead
    let form: TrainableLayout.Form
    /// Tokens of each text; nil for some of each length.
    var length: Int?
    /// Examples of scores on the way; nil for all.
    var onTheWay: Int?
    var fleet = Self.unequalFleet()
    var cuts = [1, 2, 2]
    var counts = [13, 9, 17]
    var speed = ServerSpeed(
        frozenForward: 1e-6, forward: 2e-6, backwardInput: 3e-6, backwardWeights: 1e-6, headForward: 1e-7,
        headBackward: 1e-7)

    /// - Parameter labelTokens: of the classes; nil for a classifier that trains.
    init(length: Int? = nil, labelTokens: [Int]? = nil) throws {
        model = try LanguageModel(source: RandomModelSource(layers: Self.layers), maximumTokens: 32)
        head =
            try labelTokens.map { [model] in try OutputHead(model: model, labelTokens: $0) }
            ?? OutputHead(model: model, classes: 2)
        self.length = length
        let layout = TrainableLayout.adapters(model.hyperparameters, blocks: 0..<Self.layers, rank: Self.rank)
        form = layout.form
    }

    /// Parameters of a block's adapters.
    var rankParameters: Int { TrainableLayout(model: model.hyperparameters, blocks: 0..<1, form: form).count }

    /// A slow, a middling and a fast device, without chance.
    static func unequalFleet() -> Fleet {
        var fleet = Fleet()
        fleet.classes = zip(["slow", "middling", "fast"], [1.0, 3, 10]).map { name, factor in
            var kind = Fleet.DeviceClass()
            kind.name = name
            kind.count = 1
            kind.spread = 0
            kind.fp32FlopsPerSecond = factor * 1e6
            kind.uplinkBytesPerSecond = factor * 1e4
            kind.downlinkBytesPerSecond = factor * 2e4
            kind.roundTripSeconds = 0.02
            kind.memoryBytes = 1 << 30
            kind.watts = 2
            return kind
        }
        return fleet
    }

    /// Texts of which the first token tells the class.
    func examples(_ count: Int, stream: String, label: Int? = nil) -> [EncodedExample] {
        var generator = SeededGenerator(seed: 4, stream: stream)
        return (0..<count).map { _ in
            let label = label ?? Int.random(in: 0...1, using: &generator)
            let tokens = (0..<(length ?? Int.random(in: 1...9, using: &generator))).map { _ in
                Int32(label * 25) + Int32.random(in: 0..<25, using: &generator)
            }
            return EncodedExample(tokens: tokens, label: label)
        }
    }

    /// - Parameter labels: of each device; nil for all.
    func task(labels: [Int]? = nil) -> ExperimentTask {
        ExperimentTask(
            model: model, head: head,
            shards: counts.enumerated().map {
                examples($0.element, stream: "texts/\($0.offset)", label: labels?[$0.offset])
            },
            evaluation: SharedEvaluation(
                model: model, head: head, examples: examples(40, stream: "test"), onTheWay: onTheWay, pool: Self.pool),
            fleet: fleet, cuts: cuts, speed: speed)
    }

    func settings(_ method: MethodSettings, budget: Int = 600, rate: Double = 0.01) -> ExperimentSettings {
        ExperimentSettings(
            method: method, form: form, classes: 2, frozenBlocks: 2, batch: Self.batch, tokenBudget: budget,
            evaluations: 3, learningRate: rate)
    }

    func run(
        _ method: MethodSettings, budget: Int = 600, rate: Double = 0.01, labels: [Int]? = nil
    ) throws -> ExperimentRun {
        let key = ExperimentKey(method: method.method.rawValue, imbalance: "iid", seed: 9)
        return try ExperimentRun(
            task(labels: labels), settings(method, budget: budget, rate: rate), key: key, pool: Self.pool)
    }

    /// All methods, each in every variant.
    static let methods: [MethodSettings] = [
        .splitfrozen(messageSamples: 3), .splitlora(averagingSteps: 4),
        .splitlora(averagingSteps: 4, followsPublishedCode: true), .fedlora(localSteps: 2),
        .fedlora(localSteps: 2, isFair: true, ranks: [1, 2, 3]), .hosl(.init(pairs: 2)),
        .hosl(.init(pairs: 2, atOnce: 3)), .hosl(.init(pairs: 2, followsPublishedCode: true)), .zo(.init(pairs: 2)),
        .soft(.init(localSteps: 2)), .soft(.init(localSteps: 2, sent: .entries)),
        .soft(.init(localSteps: 2, sent: .truncatedProducts)), .central,
    ]
}

extension ExperimentResult {
    /// Payload bytes in one direction.
    func payload(isUp: Bool) -> Int {
        let direction = isUp ? "up " : "down "
        return bytesByKind.filter { $0.key.hasPrefix(direction) && !$0.key.hasSuffix("envelopes") }
            .reduce(0) { $0 + $1.value }
    }

    /// What does not depend on the machine.
    var withoutMeasures: ExperimentResult {
        var result = self
        for place in result.points.indices { result.points[place].measuredSeconds = 0 }
        return result
    }
}
