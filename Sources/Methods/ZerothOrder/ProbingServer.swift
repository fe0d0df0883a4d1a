import Models
import Tensors

/// The server beside devices that train by probes: HOSL's (arXiv 2601.10940), which moves along a gradient of its own, or
/// one that moves by probes as well.
///
/// Several devices may have a step under way. *Ours*: both losses of a pair are taken at one version of the server's
/// parameters. A step therefore waits until no pair is half done, and while one waits that could be taken no other pair
/// begins.
public final class ProbingServer: SplitServerProgram, @unchecked Sendable {
    private enum Task {
        case probe(MethodMessage, MethodMessage.Probe)
        /// At the unmoved point, or, without a message, along the probes alone.
        case step(MethodMessage?)
    }

    private struct OpenStep {
        let number: Int
        /// Of all uploads; the first one has them.
        var samples: MessageSamples?
        /// Of pairs that are half done, and the version at which they began.
        var halves: [Int: (plus: Float, version: Int)] = [:]
        /// Of pairs that are done.
        var coefficients: [Int: Float] = [:]
        var losses: [Double] = []
        var opened = false
    }

    private let side: any ProbedSide
    private let head: OutputHead
    private let settings: ProbingSettings
    private let devices: Int
    private let steps: Int
    private let atOnce: Int
    private var open: [Int: OpenStep] = [:]
    private var waiting: [(device: Int, task: Task)] = []
    private var handedOut = 0
    private var taken = 0
    private var isCollecting = false
    /// What devices, all of which have the same, have made of the lower blocks; nil before the program has finished.
    public private(set) var lower: TrainableParameters?

    /// HOSL's server.
    ///
    /// - Parameters:
    ///   - parameters: of the blocks from the cut on, and a classifier.
    ///   - devices: that take turns.
    ///   - steps: of all devices together.
    ///   - atOnce: devices that have a step under way at one time; one with `publishedCode`, whose device moves in the
    ///     middle of a step.
    public convenience init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, settings: ProbingSettings,
        rule: LearningRule, devices: Int, steps: Int, atOnce: Int = 1
    ) {
        precondition(settings.variant != .zerothOrder, "the server has a gradient")
        let side = FirstOrderSide(
            model: model, head: head, parameters: parameters, settings: settings, rule: rule)
        self.init(side, head, settings, devices: devices, steps: steps, atOnce: atOnce)
    }

    /// A server that moves by probes.
    ///
    /// - Parameter learningRate: η of the server.
    public convenience init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, settings: ProbingSettings,
        learningRate: Double, devices: Int, steps: Int, atOnce: Int = 1
    ) {
        precondition(settings.variant == .zerothOrder, "the server has no gradient")
        let side = ZerothOrderSide(
            model: model, head: head, parameters: parameters, settings: settings, learningRate: learningRate)
        self.init(side, head, settings, devices: devices, steps: steps, atOnce: atOnce)
    }

    private init(
        _ side: any ProbedSide, _ head: OutputHead, _ settings: ProbingSettings, devices: Int, steps: Int, atOnce: Int
    ) {
        precondition(settings.variant != .publishedCode || atOnce == 1, "its device moves in the middle of a step")
        self.side = side
        self.head = head
        self.settings = settings
        self.devices = devices
        self.steps = steps
        self.atOnce = min(atOnce, devices)
    }

    /// What trains in the upper blocks.
    public var parameters: TrainableParameters { side.parameters }

    /// Takes an event.
    public func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction] {
        guard case .received(var message, let device) = event else { return event == .begin ? begin() : [] }
        if isCollecting { return try finish(message, device) }
        guard message.kind == .activations, open[device]?.number == message.step,
            (message.probe == nil) == (settings.variant == .threePhases && isAllProbed(device)),
            message.probe.map({ (1...settings.pairs).contains($0.pair) }) ?? true
        else { throw MethodError.unexpected(message.kind, step: message.step, sender: device) }
        if open[device]?.samples == nil { open[device]?.samples = message.samples }
        message.samples = open[device]?.samples
        waiting.append((device, message.probe.map { .probe(message, $0) } ?? .step(message)))
        var actions: [ServerProgramAction] = []
        while let place = waiting.firstIndex(where: { canTake($0.device, $0.task) }) {
            let (device, task) = waiting.remove(at: place)
            switch task {
            case .probe(let message, let probe): actions += try take(message, probe, device)
            case .step(let message): actions += try take(message, device)
            }
        }
        return actions
    }

    private func begin() -> [ServerProgramAction] {
        (0..<atOnce).flatMap { _ in nextTurn() }
    }

    /// The next device in turn that has no step under way.
    private func nextTurn() -> [ServerProgramAction] {
        guard handedOut < steps,
            let device = (0..<devices).map({ (handedOut + $0) % devices }).first(where: { open[$0] == nil })
        else { return taken == steps ? collect() : [] }
        handedOut += 1
        open[device] = OpenStep(number: handedOut)
        return [.send(MethodMessage(.turn, step: handedOut, version: taken), to: device)]
    }

    /// Asks one device for what all of them have.
    private func collect() -> [ServerProgramAction] {
        isCollecting = true
        return [.send(MethodMessage(.collect, step: steps), to: 0)]
    }

    private func finish(_ message: MethodMessage, _ device: Int) throws -> [ServerProgramAction] {
        guard message.kind == .adapters, device == 0, lower == nil else {
            throw MethodError.unexpected(message.kind, step: message.step, sender: device)
        }
        let layout = parameters.layout
        let taken = TrainableParameters(
            layout: TrainableLayout(model: layout.model, blocks: 0..<settings.cut, form: layout.form))
        try taken.take(message.tensors)
        lower = taken
        return [.finished]
    }

    /// Whether every probe of a device's step has come; some may still wait.
    private func isAllProbed(_ device: Int) -> Bool {
        guard let step = open[device] else { return false }
        let waiting = waiting.count { if case .probe = $0.task { $0.device == device } else { false } }
        return 2 * step.coefficients.count + step.halves.count + waiting == 2 * settings.pairs
    }

    private var isAnyPairHalfDone: Bool { open.values.contains { !$0.halves.isEmpty } }

    private func isReady(_ device: Int, _ task: Task) -> Bool {
        if case .step = task { open[device]?.coefficients.count == settings.pairs } else { false }
    }

    private func canTake(_ device: Int, _ task: Task) -> Bool {
        switch task {
        case .step: isReady(device, task) && !isAnyPairHalfDone
        case .probe(_, let probe):
            open[device]?.halves[probe.pair] != nil || !waiting.contains { isReady($0.device, $0.task) }
        }
    }

    private func take(
        _ message: MethodMessage, _ probe: MethodMessage.Probe, _ device: Int
    ) throws -> [ServerProgramAction] {
        guard var step = open[device], step.coefficients[probe.pair] == nil,
            (step.halves[probe.pair] == nil) == probe.isPlus
        else { throw MethodError.unexpected(message.kind, step: message.step, sender: device) }
        let batch = try ReceivedBatch(message, width: parameters.layout.model.width, outputs: head.outputs)
        let (loss, work) = side.loss(
            batch, probe, device: device, step: step.number, opensStep: !step.opened)
        guard loss.isFinite else { throw TrainingError.diverged(step: step.number, value: "loss of a probe") }
        step.opened = true
        step.losses.append(loss)
        if probe.isPlus {
            step.halves[probe.pair] = (Float(loss), taken)
        } else if let half = step.halves.removeValue(forKey: probe.pair) {
            guard half.version == taken else {
                throw MethodError.mixedVersions(step: step.number, pair: probe.pair)
            }
            step.coefficients[probe.pair] = settings.coefficient(plus: half.plus, minus: Float(loss))
        }
        open[device] = step
        if settings.variant != .threePhases, step.coefficients.count == settings.pairs {
            waiting.append((device, .step(nil)))
        }
        return work + [
            .send(
                MethodMessage(
                    .loss, step: step.number, version: taken, probe: probe,
                    scalars: [ProbingSettings.Scalar.loss: Float(loss)]), to: device)
        ]
    }

    private func take(_ message: MethodMessage?, _ device: Int) throws -> [ServerProgramAction] {
        guard let step = open.removeValue(forKey: device) else { return [] }
        let width = parameters.layout.model.width
        let batch = try message.map { try ReceivedBatch($0, width: width, outputs: head.outputs) }
        let coefficients = (1...settings.pairs).compactMap { step.coefficients[$0] }
        let (loss, work) = try side.step(batch, coefficients: coefficients, device: device, step: step.number)
        taken += 1
        var scalars = [ProbingSettings.Scalar.device: Float(device)]
        for (place, value) in coefficients.enumerated() {
            scalars[ProbingSettings.Scalar.coefficient(place + 1)] = value
        }
        let news = (0..<devices).map { other -> ServerProgramAction in
            let message =
                other == device
                ? MethodMessage(.stepped, step: step.number, version: taken)
                : MethodMessage(.coefficients, step: step.number, version: taken, scalars: scalars)
            return .send(message, to: other)
        }
        // The mean of a pair's two losses is the loss between them, up to ε².
        let mean = step.losses.reduce(0, +) / Double(max(1, step.losses.count))
        return work + news + [.completed(MethodProgress(step: step.number, loss: loss ?? mean))] + nextTurn()
    }
}
