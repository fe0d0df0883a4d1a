import Models
import Tensors

/// The device of HOSL (arXiv 2601.10940) and of training by probes on both sides: forward passes alone, with nothing kept
/// from one to the next.
///
/// What trains here is the same on all devices, bit for bit: a step is a few (direction, coefficient) pairs, which the server
/// passes on, and every device takes all steps in the server's order.
public final class ProbingDevice: TrainingDeviceProgram, @unchecked Sendable {
    private struct OpenStep {
        let number: Int
        let samples: MessageSamples
        let tokens: [[Int32]]
        /// Uploads that have been made.
        var uploads = 0
        /// By probe, with the version at which they were taken.
        var losses: [MethodMessage.Probe: (loss: Float, version: Int)] = [:]
        /// Of the pairs whose losses are here.
        var coefficients: [Float] = []
        var isDrained = false
    }

    private let forward: PerturbedForward
    private let shard: DeviceShard
    private let settings: ProbingSettings
    private var batches = 0
    private var open: OpenStep?
    /// Others' steps, to be taken when the open one is.
    private var held: [(device: Int, step: Int, coefficients: [Float])] = []

    /// - Parameters:
    ///   - parameters: adapters of the blocks `0..<cut`, or all their weights; the same on all devices.
    public init(
        model: LanguageModel, parameters: TrainableParameters, shard: DeviceShard, settings: ProbingSettings
    ) {
        forward = PerturbedForward(model: model, parameters: parameters, blocks: 0..<settings.cut)
        self.shard = shard
        self.settings = settings
    }

    /// What trains in the lower blocks.
    public var parameters: TrainableParameters { forward.parameters }

    /// Takes an event.
    public func handle(_ event: DeviceProgramEvent) throws -> [DeviceProgramAction] {
        guard case .received(let message) = event else {
            open?.isDrained = true
            return try nextUpload()
        }
        switch message.kind {
        case .turn where open == nil: return try begin(message.step)
        case .loss where open?.number == message.step: return try take(loss: message)
        case .stepped where open?.number == message.step: return try end()
        case .coefficients: return try take(coefficients: message)
        case .collect where open == nil:
            return [.send(MethodMessage(.adapters, step: message.step, tensors: parameters.messageTensors))]
        default: throw MethodError.unexpected(message.kind, step: message.step, sender: nil)
        }
    }

    private func begin(_ step: Int) throws -> [DeviceProgramAction] {
        let samples = shard.samples(shard.batch(batches))
        batches += 1
        open = OpenStep(
            number: step, samples: samples, tokens: samples.ids.map { shard.examples[$0].tokens }, isDrained: true)
        return try nextUpload()
    }

    /// Uploads of a step.
    private var uploadCount: Int { 2 * settings.pairs + (settings.variant == .threePhases ? 1 : 0) }

    /// What an upload of a step is about, by its place; nil for the one at the unmoved point.
    private func probe(ofUpload place: Int) -> MethodMessage.Probe? {
        place < 2 * settings.pairs ? MethodMessage.Probe(pair: place / 2 + 1, isPlus: place % 2 == 0) : nil
    }

    private func nextUpload() throws -> [DeviceProgramAction] {
        guard var step = open, step.isDrained, step.uploads < uploadCount else { return [] }
        let probe = probe(ofUpload: step.uploads)
        if settings.variant == .publishedCode, let probe, step.coefficients.count < probe.pair - 1 { return [] }
        step.uploads += 1
        step.isDrained = false
        open = step
        let x = try forward.embed(step.tokens)
        forward.advance(
            x, lengths: step.samples.lengths,
            move: probe.map { settings.move($0, device: shard.device, step: step.number) })
        let x_TD = x.matrix(
            rows: step.samples.lengths.reduce(0, +), columns: parameters.layout.model.width)
        let work: [DeviceProgramAction] =
            probe == nil ? [] : [.computed(.change(.perturbation, parameters: forward.count))]
        return work + [
            .computed(.pass(.forward, forward.blocks, lengths: step.samples.lengths)),
            .send(
                MethodMessage(
                    .activations, step: step.number, probe: probe, samples: step.uploads == 1 ? step.samples : nil,
                    tensors: [MessageTensor(ReceivedBatch.name, x_TD)])),
        ]
    }

    private func take(loss message: MethodMessage) throws -> [DeviceProgramAction] {
        guard var step = open, let probe = message.probe, let version = message.version,
            step.losses[probe] == nil, (1...settings.pairs).contains(probe.pair),
            2 * (probe.pair - 1) + (probe.isPlus ? 0 : 1) < step.uploads
        else { throw MethodError.unexpected(.loss, step: message.step, sender: nil) }
        guard let loss = message.scalars[ProbingSettings.Scalar.loss], loss.isFinite else {
            throw MethodError.notFinite(name: ProbingSettings.Scalar.loss)
        }
        step.losses[probe] = (loss, version)
        var actions: [DeviceProgramAction] = []
        while let plus = step.losses[.init(pair: step.coefficients.count + 1, isPlus: true)],
            let minus = step.losses[.init(pair: step.coefficients.count + 1, isPlus: false)]
        {
            let pair = step.coefficients.count + 1
            guard plus.version == minus.version else {
                throw MethodError.mixedVersions(step: step.number, pair: pair)
            }
            step.coefficients.append(settings.coefficient(plus: plus.loss, minus: minus.loss))
            if settings.variant == .publishedCode {
                actions += move(shard.device, step.number, [step.coefficients[pair - 1]], first: pair)
            }
        }
        open = step
        return actions + (try nextUpload())
    }

    private func end() throws -> [DeviceProgramAction] {
        guard let step = open, step.coefficients.count == settings.pairs, step.uploads == uploadCount else {
            throw MethodError.unexpected(.stepped, step: open?.number ?? 0, sender: nil)
        }
        open = nil
        defer { held = [] }
        // Others' steps were told before this one's end, so they come before it.
        let others = held.flatMap { move($0.device, $0.step, $0.coefficients) }
        return settings.variant == .publishedCode
            ? others : others + move(shard.device, step.number, step.coefficients)
    }

    private func take(coefficients message: MethodMessage) throws -> [DeviceProgramAction] {
        let coefficients = (1...settings.pairs).compactMap {
            message.scalars[ProbingSettings.Scalar.coefficient($0)]
        }
        guard coefficients.count == settings.pairs, coefficients.allSatisfy(\.isFinite),
            let device = message.scalars[ProbingSettings.Scalar.device].flatMap(Int.init(exactly:))
        else { throw MethodError.misshapen(name: "coefficients", expected: "\(settings.pairs) finite numbers") }
        guard open == nil else {
            held.append((device, message.step, coefficients))
            return []
        }
        return move(device, message.step, coefficients)
    }

    private func move(_ device: Int, _ step: Int, _ coefficients: [Float], first: Int = 1) -> [DeviceProgramAction] {
        forward.step(
            settings.steps(
                coefficients, first: first, learningRate: settings.learningRate, device: device, step: step))
        return coefficients.map { _ in .computed(.change(.perturbation, parameters: forward.count)) }
    }
}
