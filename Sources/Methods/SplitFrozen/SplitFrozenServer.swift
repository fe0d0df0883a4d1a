import Datasets
import Models
import Tensors

/// The server of SplitFrozen (arXiv 2503.18986): it keeps what devices send, runs the frozen blocks that weaker devices
/// left out, and trains the blocks above in an order that the seed decides, so that neither cuts nor speeds nor how labels
/// are spread change what is learned.
///
/// This is the method as values, for comparisons; the roles that run it over sockets are `Device` and `Worker`.
public final class SplitFrozenServer: ServerProgram, @unchecked Sendable {
    private struct Sample {
        let activations: Storage
        let targets: [Int32]
        let tokens: Int
    }

    private let cuts: [Int]
    private let counts: [Int]
    private let batch: Int
    private let steps: Int
    private let seed: UInt64
    private let head: OutputHead
    private let frozen: FrozenForward
    private let training: RangeTraining
    private var store: [SampleReference: Sample] = [:]
    private var order: (epoch: Int, samples: [SampleReference]) = (0, [])
    private var step = 0

    /// - Parameters:
    ///   - parameters: of blocks from the frozen ones on, and a classifier.
    ///   - frozenBlocks: C, at least every cut.
    ///   - cuts: blocks on each device.
    ///   - counts: samples of each device.
    ///   - batch: samples of a step.
    ///   - steps: of the run.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, frozenBlocks: Int, cuts: [Int],
        counts: [Int], batch: Int, steps: Int, rule: LearningRule, seed: UInt64
    ) {
        precondition(cuts.count == counts.count && cuts.allSatisfy { $0 <= frozenBlocks }, "a cut for each device")
        self.cuts = cuts
        self.counts = counts
        self.batch = batch
        self.steps = steps
        self.seed = seed
        self.head = head
        frozen = FrozenForward(model: model)
        training = RangeTraining(
            model: model, head: head, parameters: parameters, blocks: frozenBlocks..<model.hyperparameters.layers,
            givesInputGradient: false, rule: rule, seed: seed)
    }

    /// What trains in the upper blocks.
    public var parameters: TrainableParameters { training.parameters }

    /// Takes an event.
    public func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction] {
        switch event {
        case .begin: return cuts.indices.map { .send(MethodMessage(.turn, step: 1), to: $0) }
        case .received(let message, let device): return try keep(message, from: device)
        case .idle:
            guard step < steps, let samples = nextSamples() else { return [] }
            return try train(samples)
        }
    }

    private func keep(_ message: MethodMessage, from device: Int) throws -> [ServerProgramAction] {
        guard message.kind == .activations, cuts.indices.contains(device) else {
            throw MethodError.unexpected(message.kind, step: message.step, sender: device)
        }
        let received = try ReceivedBatch(message, width: frozen.width, outputs: head.outputs)
        let ids = message.samples?.ids ?? []
        guard Set(ids).count == ids.count,
            ids.allSatisfy({ (0..<counts[device]).contains($0) && store[.init(device: device, index: $0)] == nil })
        else { throw MethodError.misshapen(name: "samples", expected: "of the device's shard, each once") }
        let layout = received.layout
        let x_TD = received.activations.matrix(rows: layout.tokens, columns: frozen.width)
        let missing = cuts[device]..<training.blocks.lowerBound
        frozen.advance(x_TD, lengths: received.lengths, blocks: missing)
        for (place, id) in ids.enumerated() {
            store[SampleReference(device: device, index: id)] = Sample(
                activations: x_TD.rows(layout.rows(of: place)).copied(), targets: received.targets[place],
                tokens: received.lengths[place])
        }
        return missing.isEmpty ? [] : [.computed(.pass(.forward, missing, lengths: received.lengths))]
    }

    /// Those of the next step, if all of them are here.
    private func nextSamples() -> [Sample]? {
        let position = StepPosition(after: step, samples: counts.reduce(0, +), batchSize: batch)
        if order.epoch != position.epoch {
            order = (position.epoch, SampleOrder.global(seed: seed, counts: counts, epoch: position.epoch))
        }
        let wanted = order.samples.dropFirst(position.batch * batch).prefix(batch)
        let found = wanted.compactMap { store[$0] }
        return found.count == wanted.count ? found : nil
    }

    private func train(_ samples: [Sample]) throws -> [ServerProgramAction] {
        step += 1
        let lengths = samples.map(\.tokens), targets = samples.reduce(0) { $0 + $1.targets.count }
        let layout = SequenceLayout(lengths: lengths), stream = Storage(count: layout.tokens * frozen.width)
        let x_TD = stream.matrix(rows: layout.tokens, columns: frozen.width)
        for (place, sample) in samples.enumerated() {
            let rows = layout.rows(of: place)
            x_TD.rows(rows).copy(from: sample.activations.matrix(rows: rows.count, columns: frozen.width))
        }
        let result = training.forward(stream, lengths: lengths, targets: samples.map(\.targets), step: step)
        let loss = (result?.lossSum ?? .nan) / Double(targets)
        guard loss.isFinite else { throw TrainingError.diverged(step: step, value: "loss") }
        training.backward(lossScale: 1 / Float(targets))
        try training.update(step: step)
        return [MethodWork.Kind.forward, .backward].map {
            .computed(.pass($0, training.blocks, lengths: lengths, targets: targets))
        } + [
            .computed(.change(.update, parameters: parameters.layout.count)),
            .completed(MethodProgress(step: step, loss: loss)),
        ] + (step == steps ? [.finished] : [])
    }
}
