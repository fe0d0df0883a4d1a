import Models
import Tensors

/// The server of SplitLoRA (arXiv 2407.00952): the upper blocks with one set of adapters, which every device's batch moves
/// in its turn. After every so many batches the devices' adapters are averaged with equal weights, and in the end.
public final class SplitLoRAServer: SplitServerProgram, @unchecked Sendable {
    /// How a run goes.
    public struct Settings: Sendable, Equatable {
        /// Devices that take turns.
        public var devices: Int
        /// Blocks on every device.
        public var cut: Int
        /// Batches of all devices together.
        public var steps: Int
        /// Batches of all devices from one averaging to the next.
        public var averagingSteps: Int
        /// Whether to average as the published code does: the adapters that devices had before each of the window's last
        /// devices + 1 batches, so that one device counts twice and no device's last step counts.
        public var followsPublishedCode: Bool

        /// A run; at least one device, step and averaging step.
        public init(
            devices: Int, cut: Int, steps: Int, averagingSteps: Int = 100, followsPublishedCode: Bool = false
        ) {
            self.devices = devices
            self.cut = cut
            self.steps = steps
            self.averagingSteps = averagingSteps
            self.followsPublishedCode = followsPublishedCode
        }

        /// Whether the published code takes a device's adapters before a step.
        func takesSnapshot(step: Int) -> Bool {
            followsPublishedCode && cut > 0 && (step + devices) % averagingSteps <= devices
        }
    }

    private enum Phase {
        case idle, turn(device: Int), collecting(missing: Set<Int>), finished(lower: TrainableParameters)
    }

    private let settings: Settings
    private let head: OutputHead
    private let training: RangeTraining
    private let lowerLayout: TrainableLayout
    private var collected: [Int: TrainableParameters] = [:]
    private var snapshots: [TrainableParameters] = []
    private var step = 0
    private var phase = Phase.idle

    /// - Parameters:
    ///   - parameters: adapters of the blocks from the cut on, and a classifier.
    ///   - lowerLayout: that of the devices' adapters.
    ///   - seed: decides which inputs of adapters are dropped.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, lowerLayout: TrainableLayout,
        settings: Settings, rule: LearningRule, seed: UInt64
    ) {
        self.settings = settings
        self.head = head
        self.lowerLayout = lowerLayout
        training = RangeTraining(
            model: model, head: head, parameters: parameters,
            blocks: settings.cut..<model.hyperparameters.layers, givesInputGradient: true, rule: rule, seed: seed)
    }

    /// The adapters of the upper blocks.
    public var parameters: TrainableParameters { training.parameters }

    /// The last mean of the devices' adapters.
    public var lower: TrainableParameters? { if case .finished(let lower) = phase { lower } else { nil } }

    /// Takes an event.
    public func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction] {
        switch (event, phase) {
        case (.begin, .idle): return nextTurn()
        case (.received(let message, let device), .turn(let expected))
        where device == expected && message.kind == .activations && message.step == step:
            return try train(message, device)
        case (.received(let message, let device), .collecting(let missing))
        where message.kind == .adapters && missing.contains(device):
            return try collect(message, device, missing)
        case (.received(let message, let device), _):
            throw MethodError.unexpected(message.kind, step: message.step, sender: device)
        case (.begin, _), (.idle, _): return []
        }
    }

    private func nextTurn() -> [ServerProgramAction] {
        let device = step % settings.devices
        step += 1
        phase = .turn(device: device)
        let scalars = settings.takesSnapshot(step: step) ? [SplitLoRADevice.snapshot: Float(1)] : [:]
        return [.send(MethodMessage(.turn, step: step, scalars: scalars), to: device)]
    }

    private func train(_ message: MethodMessage, _ device: Int) throws -> [ServerProgramAction] {
        let width = parameters.layout.model.width
        let batch = try ReceivedBatch(message, width: width, outputs: head.outputs)
        if settings.takesSnapshot(step: step) { snapshots.append(try lower(message.tensors)) }
        guard
            let result = training.forward(
                batch.activations, lengths: batch.lengths, targets: batch.targets, step: step)
        else { preconditionFailure("the upper half has a head") }
        let loss = result.lossSum / Double(batch.targetCount)
        guard loss.isFinite else { throw TrainingError.diverged(step: step, value: "loss") }
        training.backward(lossScale: 1 / Float(batch.targetCount))
        try training.update(step: step)
        let gradient =
            settings.cut == 0
            ? []
            : [MessageTensor("gradient", batch.activations.matrix(rows: batch.layout.tokens, columns: width))]
        return [
            .computed(.pass(.forward, training.blocks, lengths: batch.lengths, targets: batch.targetCount)),
            .computed(.pass(.backward, training.blocks, lengths: batch.lengths, targets: batch.targetCount)),
            .computed(.change(.update, parameters: parameters.layout.count)),
            .send(MethodMessage(.gradient, step: step, tensors: gradient), to: device),
            .completed(MethodProgress(step: step, loss: loss)),
        ] + endOfWindow()
    }

    private func endOfWindow() -> [ServerProgramAction] {
        let isDue = step % settings.averagingSteps == 0, isLast = step == settings.steps
        if settings.followsPublishedCode {
            let taken = snapshots
            if isDue { snapshots = [] }
            return (isDue && !taken.isEmpty ? spread(.mean(taken), of: taken.count) : [])
                + (isLast ? collect() : nextTurn())
        }
        return isDue || isLast ? collect() : nextTurn()
    }

    /// Asks for what the devices have.
    private func collect() -> [ServerProgramAction] {
        guard settings.cut > 0 else { return goOn(with: TrainableParameters(layout: lowerLayout)) }
        collected = [:]
        phase = .collecting(missing: Set(0..<settings.devices))
        return (0..<settings.devices).map { .send(MethodMessage(.collect, step: step), to: $0) }
    }

    private func collect(_ message: MethodMessage, _ device: Int, _ missing: Set<Int>) throws -> [ServerProgramAction] {
        collected[device] = try lower(message.tensors)
        let missing = missing.subtracting([device])
        phase = .collecting(missing: missing)
        guard missing.isEmpty else { return [] }
        // In the order of devices, so that rounding does not depend on who was first.
        let mean = TrainableParameters.mean((0..<settings.devices).compactMap { collected[$0] })
        // The published code has no mean at the end: devices keep what they have.
        return (settings.followsPublishedCode ? [] : spread(mean, of: settings.devices)) + goOn(with: mean)
    }

    private func goOn(with mean: TrainableParameters) -> [ServerProgramAction] {
        guard step == settings.steps else { return nextTurn() }
        phase = .finished(lower: mean)
        return [.finished]
    }

    /// The mean, to all devices.
    private func spread(_ mean: TrainableParameters, of count: Int) -> [ServerProgramAction] {
        let message = MethodMessage(.adapters, step: step, tensors: mean.messageTensors)
        return [.computed(.change(.update, parameters: count * mean.layout.count))]
            + (0..<settings.devices).map { .send(message, to: $0) }
    }

    private func lower(_ tensors: [MessageTensor]) throws -> TrainableParameters {
        let parameters = TrainableParameters(layout: lowerLayout)
        try parameters.take(tensors)
        return parameters
    }
}
