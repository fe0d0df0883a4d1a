import Datasets
import Methods
import Models
import Support
import Tensors
import Testing

/// A way to train a fixture's model: what trains, under which head, and what the fixture calls its results.
struct TrainingCase: Sendable, CustomTestStringConvertible {
    enum Kind: String, CaseIterable {
        case verbalizer, languageModel, classifier, full, variant
    }

    let fixture: String
    let kind: Kind

    static let all = ModelFixture.cases.flatMap { fixture in
        Kind.allCases.filter { $0 != .variant || fixture == "llama-gqa-tied" }
            .map { TrainingCase(fixture: fixture, kind: $0) }
    }

    /// What the fixture of the family that is not built in states.
    static let added = [Kind.verbalizer, .languageModel].map { TrainingCase(fixture: ModelFixture.added, kind: $0) }

    var testDescription: String { "\(fixture), \(kind)" }

    /// What the fixture's names begin with.
    var prefix: String {
        switch kind {
        case .verbalizer: ""
        case .languageModel: "lm_"
        case .classifier: "classifier_"
        case .full: "full_"
        case .variant: "variant_"
        }
    }
}

/// A fixture's model with head, parameters and micro-batches for one way to train it.
struct TrainingBench {
    let fixture: ModelFixture
    let head: OutputHead
    let parameters: TrainableParameters
    private let targets: [[Int32]]

    init(_ trial: TrainingCase, kernels: Kernels = .best) throws {
        fixture = try ModelFixture(trial.fixture, kernels: kernels)
        let model = fixture.model
        switch trial.kind {
        case .languageModel: head = try OutputHead(languageModel: model)
        case .classifier: head = OutputHead(model: model, classes: 3)
        default: head = try OutputHead(model: model, labelTokens: fixture.trial.labelWords)
        }
        switch trial.kind {
        case .full: parameters = try fixture.weights()
        case .variant: parameters = try fixture.adapters("adapter-variant")
        default: parameters = try fixture.adapters(classifier: trial.kind == .classifier)
        }
        targets = trial.kind == .languageModel ? fixture.trial.answers : fixture.trial.labels.map { [$0] }
    }

    var examples: [EncodedExample] {
        zip(fixture.trial.sequences, targets).map { EncodedExample(tokens: $0, targets: $1) }
    }

    var targetCount: Int { targets.reduce(0) { $0 + $1.count } }

    /// The micro-batches of the trial, of so many sequences each, above the frozen blocks.
    func microBatches(of size: Int) -> [MicroBatch] {
        let forward = FrozenForward(model: fixture.model), cut = fixture.frozenBlocks
        return Batches.cut(examples, size: size).map { part in
            MicroBatch(lengths: part.map(\.tokens.count), targets: part.map(\.targets)) { x_TD in
                let activations = try forward.activations(of: part.map(\.tokens), cut: cut)
                x_TD.copy(from: activations.matrix(rows: x_TD.rows, columns: x_TD.columns))
            }
        }
    }

    /// The trainer that the trial's AdamW describes.
    func adamW() -> Trainer {
        let settings = fixture.trial.adamW
        return trainer(
            AdamW(
                layout: parameters.layout, coefficients: AdamWCoefficients(weightDecay: settings.weightDecay),
                clipNorm: settings.clipNorm, kernels: fixture.kernels), settings, .constant)
    }

    /// The trainer that the trial's SGD describes.
    func sgd() -> Trainer {
        let settings = fixture.trial.sgd
        return trainer(
            SGD(
                layout: parameters.layout, momentum: settings.momentum ?? 0, weightDecay: settings.weightDecay,
                clipNorm: settings.clipNorm, kernels: fixture.kernels), settings, .cosine)
    }

    private func trainer(
        _ optimizer: any Optimizer, _ settings: Trial.Descent, _ shape: LearningRateSchedule.Shape
    ) -> Trainer {
        Trainer(
            model: fixture.model, head: head, parameters: parameters, frozenBlocks: fixture.frozenBlocks,
            optimizer: optimizer,
            schedule: LearningRateSchedule(
                peak: settings.learningRate, warmupSteps: settings.warmupSteps, totalSteps: settings.steps,
                shape: shape),
            seed: 1, pool: ComputePool(threads: 2))
    }
}
