import Models
import Tensors

/// What the server's parameters do with probes, and how they take a step.
protocol ProbedSide: Sendable {
    var parameters: TrainableParameters { get }
    var blocks: Range<Int> { get }

    /// The loss of a probe's activations, which are left as they are.
    ///
    /// - Parameter opensStep: whether it is the first probe of its device's step.
    func loss(
        _ batch: ReceivedBatch, _ probe: MethodMessage.Probe, device: Int, step: Int, opensStep: Bool
    ) -> (loss: Double, work: [ServerProgramAction])

    /// Takes the step of a device.
    ///
    /// - Parameters:
    ///   - batch: at the unmoved point, where there is one.
    ///   - coefficients: of the step's pairs.
    /// - Returns: the loss before it, where it has become known here.
    func step(
        _ batch: ReceivedBatch?, coefficients: [Float], device: Int, step: Int
    ) throws(TrainingError) -> (loss: Double?, work: [ServerProgramAction])
}

/// The server of HOSL: an ordinary gradient.
final class FirstOrderSide: ProbedSide, @unchecked Sendable {
    private let forward: PerturbedForward
    private let training: RangeTraining
    private let head: OutputHead
    private let takesGradientAtFirstProbe: Bool

    init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, settings: ProbingSettings,
        rule: LearningRule
    ) {
        self.head = head
        takesGradientAtFirstProbe = settings.variant == .publishedCode
        let blocks = settings.cut..<model.hyperparameters.layers
        forward = PerturbedForward(model: model, parameters: parameters, blocks: blocks)
        training = RangeTraining(
            model: model, head: head, parameters: parameters, blocks: blocks, givesInputGradient: false, rule: rule,
            seed: settings.seed)
    }

    var parameters: TrainableParameters { training.parameters }
    var blocks: Range<Int> { training.blocks }

    func loss(
        _ batch: ReceivedBatch, _ probe: MethodMessage.Probe, device: Int, step: Int, opensStep: Bool
    ) -> (loss: Double, work: [ServerProgramAction]) {
        if takesGradientAtFirstProbe, opensStep { return gradient(batch, step) }
        let loss = forward.loss(
            batch.activations, lengths: batch.lengths, targets: batch.targets, head: head, move: nil)
        return (
            loss,
            [.computed(.pass(.forward, blocks, lengths: batch.lengths, targets: batch.targetCount))]
        )
    }

    func step(
        _ batch: ReceivedBatch?, coefficients: [Float], device: Int, step: Int
    ) throws(TrainingError) -> (loss: Double?, work: [ServerProgramAction]) {
        let found = batch.map { gradient($0, step) }
        if let found, !found.loss.isFinite { throw .diverged(step: step, value: "loss") }
        try training.update(step: step)
        return (
            found?.loss,
            (found?.work ?? []) + [.computed(.change(.update, parameters: parameters.layout.count))]
        )
    }

    private func gradient(_ batch: ReceivedBatch, _ step: Int) -> (loss: Double, work: [ServerProgramAction]) {
        let result = training.forward(batch.activations, lengths: batch.lengths, targets: batch.targets, step: step)
        training.backward(lossScale: 1 / Float(batch.targetCount))
        return (
            (result?.lossSum ?? .nan) / Double(batch.targetCount),
            [.forward, .backward].map {
                .computed(.pass($0, blocks, lengths: batch.lengths, targets: batch.targetCount))
            }
        )
    }
}

/// A server that moves by probes too, along directions of the same names as the device's.
final class ZerothOrderSide: ProbedSide {
    private let forward: PerturbedForward
    private let head: OutputHead
    private let settings: ProbingSettings
    private let learningRate: Double

    init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, settings: ProbingSettings,
        learningRate: Double
    ) {
        forward = PerturbedForward(
            model: model, parameters: parameters, blocks: settings.cut..<model.hyperparameters.layers)
        self.head = head
        self.settings = settings
        self.learningRate = learningRate
    }

    var parameters: TrainableParameters { forward.parameters }
    var blocks: Range<Int> { forward.blocks }

    func loss(
        _ batch: ReceivedBatch, _ probe: MethodMessage.Probe, device: Int, step: Int, opensStep: Bool
    ) -> (loss: Double, work: [ServerProgramAction]) {
        let loss = forward.loss(
            batch.activations, lengths: batch.lengths, targets: batch.targets, head: head,
            move: settings.move(probe, device: device, step: step))
        return (
            loss,
            [
                .computed(.change(.perturbation, parameters: forward.count)),
                .computed(.pass(.forward, blocks, lengths: batch.lengths, targets: batch.targetCount)),
            ]
        )
    }

    func step(
        _ batch: ReceivedBatch?, coefficients: [Float], device: Int, step: Int
    ) -> (loss: Double?, work: [ServerProgramAction]) {
        forward.step(settings.steps(coefficients, learningRate: learningRate, device: device, step: step))
        return (nil, coefficients.map { _ in .computed(.change(.perturbation, parameters: forward.count)) })
    }
}
