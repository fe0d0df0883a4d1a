import Models
import Tensors

/// A device that trains adapters of the whole model on its own data, round after round: FedLoRA's, which sends them in
/// full, and SOFT's (arXiv 2505.00333), which keeps the factors near-orthogonal and sends what its strongest ranks have
/// changed.
public final class FederatedDevice: TrainingDeviceProgram, @unchecked Sendable {
    private let forward: FrozenForward
    private let shard: DeviceShard
    private let training: RangeTraining
    private let settings: FederatedSettings
    private let penalty: OrthogonalityPenalty?

    /// - Parameters:
    ///   - head: the model's.
    ///   - parameters: adapters of all blocks, of the device's rank, and a classifier.
    ///   - seed: decides which inputs of adapters are dropped.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, shard: DeviceShard,
        settings: FederatedSettings, rule: LearningRule, seed: UInt64
    ) {
        forward = FrozenForward(model: model)
        self.shard = shard
        self.settings = settings
        penalty = settings.orthogonality > 0 ? OrthogonalityPenalty(lambda: Float(settings.orthogonality)) : nil
        training = RangeTraining(
            model: model, head: head, parameters: parameters, blocks: 0..<model.hyperparameters.layers,
            givesInputGradient: false, rule: rule, seed: seed)
    }

    /// The adapters, as local training has left them.
    public var parameters: TrainableParameters { training.parameters }

    /// Takes an event.
    public func handle(_ event: DeviceProgramEvent) throws -> [DeviceProgramAction] {
        guard case .received(let message) = event else { return [] }
        guard message.kind == .adapters, (1...settings.rounds).contains(message.step) else {
            throw MethodError.unexpected(message.kind, step: message.step, sender: nil)
        }
        try parameters.take(message.tensors)
        training.parametersChanged()
        let start = parameters.copied()
        var actions: [DeviceProgramAction] = []
        var loss = 0.0
        for local in 0..<settings.localSteps {
            let number = (message.step - 1) * settings.localSteps + local
            let (found, work) = try train(shard.batch(number), step: number + 1)
            loss += found / Double(settings.localSteps)
            actions += work
        }
        return actions + [
            .send(
                MethodMessage(
                    .update, step: message.step,
                    scalars: [
                        FederatedSettings.Scalar.samples: Float(shard.examples.count),
                        FederatedSettings.Scalar.loss: Float(loss),
                    ], tensors: try upload(start, kept: message.scalars[FederatedSettings.Scalar.kept])))
        ]
    }

    private func train(_ ids: [Int], step: Int) throws -> (loss: Double, work: [DeviceProgramAction]) {
        let samples = shard.samples(ids), targets = samples.targets.reduce(0) { $0 + $1.count }
        let stream = try forward.activations(of: ids.map { shard.examples[$0].tokens }, cut: 0)
        let result = training.forward(stream, lengths: samples.lengths, targets: samples.targets, step: step)
        let loss = (result?.lossSum ?? .nan) / Double(targets)
        guard loss.isFinite else { throw TrainingError.diverged(step: step, value: "loss") }
        training.backward(lossScale: 1 / Float(targets))
        try training.update(step: step) { [penalty, parameters] in penalty?.addGradient(of: parameters, to: $0) }
        return (
            loss,
            [
                .computed(.pass(.forward, training.blocks, lengths: samples.lengths, targets: targets)),
                .computed(.pass(.backward, training.blocks, lengths: samples.lengths, targets: targets)),
                .computed(.change(.update, parameters: parameters.layout.count)),
            ]
        )
    }

    private func upload(_ start: TrainableParameters, kept: Float?) throws -> [MessageTensor] {
        guard settings.aggregation.isSparse else { return parameters.messageTensors }
        guard let rank = parameters.layout.lowRank?.rank, let kept, (0...Float(rank)).contains(kept) else {
            throw MethodError.misshapen(name: FederatedSettings.Scalar.kept, expected: "a number of ranks")
        }
        switch settings.aggregation {
        case .keptEntries: return EntrySelection.deltas(from: start, to: parameters, ranks: Int(kept))
        case .truncatedProducts: return TruncatedProduct.deltas(from: start, to: parameters, kept: Int(kept))
        case .keptRanks: return RankSelection.deltas(from: start, to: parameters, kept: Int(kept))
        case .mean, .fair: return parameters.messageTensors
        }
    }
}
