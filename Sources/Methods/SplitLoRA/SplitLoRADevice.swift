import Models
import Tensors

/// The device of SplitLoRA (arXiv 2407.00952): the embedding and the lower blocks with adapters, F for a batch, and B and
/// W when the gradient at the cut is here.
public final class SplitLoRADevice: TrainingDeviceProgram, @unchecked Sendable {
    /// Asks in a turn for the adapters as they are before the step.
    static let snapshot = "snapshot"

    private let forward: FrozenForward
    private let shard: DeviceShard
    private let training: RangeTraining
    private var batches = 0
    private var open: (step: Int, stream: Storage, lengths: [Int])?

    /// - Parameters:
    ///   - parameters: adapters of the blocks `0..<cut`; no classifier, which is the server's.
    ///   - seed: decides which inputs of adapters are dropped.
    public init(
        model: LanguageModel, parameters: TrainableParameters, cut: Int, shard: DeviceShard, rule: LearningRule,
        seed: UInt64
    ) {
        forward = FrozenForward(model: model)
        self.shard = shard
        training = RangeTraining(
            model: model, head: nil, parameters: parameters, blocks: 0..<cut, givesInputGradient: false, rule: rule,
            seed: seed)
    }

    /// The adapters of the lower blocks.
    public var parameters: TrainableParameters { training.parameters }

    /// Takes an event.
    public func handle(_ event: DeviceProgramEvent) throws -> [DeviceProgramAction] {
        guard case .received(let message) = event else { return [] }
        switch (message.kind, open) {
        case (.turn, nil): return try begin(message)
        case (.gradient, let open?) where open.step == message.step: return try end(message, open.stream, open.lengths)
        case (.collect, nil): return [.send(MethodMessage(.adapters, step: message.step, tensors: adapters))]
        case (.adapters, nil):
            try parameters.take(message.tensors)
            training.parametersChanged()
            return []
        default: throw MethodError.unexpected(message.kind, step: message.step, sender: nil)
        }
    }

    private var adapters: [MessageTensor] { parameters.messageTensors }

    private func begin(_ turn: MethodMessage) throws -> [DeviceProgramAction] {
        let samples = shard.samples(shard.batch(batches))
        batches += 1
        let snapshot = turn.scalars[Self.snapshot] == nil ? [] : adapters
        let stream = try forward.activations(of: samples.ids.map { shard.examples[$0].tokens }, cut: 0)
        _ = training.forward(stream, lengths: samples.lengths, targets: samples.targets, step: turn.step)
        open = (turn.step, stream, samples.lengths)
        let activations = MessageTensor(
            ReceivedBatch.name, stream.matrix(rows: samples.lengths.reduce(0, +), columns: forward.width))
        return [
            .computed(.pass(.forward, training.blocks, lengths: samples.lengths)),
            .send(
                MethodMessage(.activations, step: turn.step, samples: samples, tensors: [activations] + snapshot)),
        ]
    }

    private func end(_ message: MethodMessage, _ stream: Storage, _ lengths: [Int]) throws -> [DeviceProgramAction] {
        open = nil
        guard !training.blocks.isEmpty else { return [] }
        guard let tensor = message.tensors.first else {
            throw MethodError.misshapen(name: "gradient", expected: "there")
        }
        training.backward(
            outputGradient: try tensor.storage(rows: lengths.reduce(0, +), columns: forward.width))
        try training.update(step: message.step)
        return [
            .computed(.pass(.backward, training.blocks, lengths: lengths)),
            .computed(.change(.update, parameters: parameters.layout.count)),
        ]
    }
}
