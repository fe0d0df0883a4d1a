import Models
import Tensors

/// The server that joins adapters which devices have trained, round after round (McMahan et al., 2017, on the factors of
/// LoRA). It computes no gradient.
public final class FederatedServer: ServerProgram, @unchecked Sendable {
    /// The joined adapters, of the largest rank.
    public let parameters: TrainableParameters
    /// Of each device, the shares of a layer's energy that its ranks had when it last sent them, the strongest first.
    public private(set) var energies: [Int: [Double]] = [:]

    private let settings: FederatedSettings
    private let ranks: [Int]
    private let kept: @Sendable (_ round: Int, _ energies: [Int: [Double]]) throws -> [Int]
    private var updates: [Int: (samples: Double, loss: Double, parameters: TrainableParameters)] = [:]
    private var round = 0

    /// - Parameters:
    ///   - parameters: where the devices begin; of the largest rank.
    ///   - ranks: of each device, no larger. A smaller device gets and trains the first ranks; the others of it count as
    ///     zero in the mean. Where a part is sent, all are the largest.
    ///   - kept: where a part is sent, how many ranks' bytes each device is to send in a round, given `energies`.
    public init(
        parameters: TrainableParameters, ranks: [Int], settings: FederatedSettings,
        kept: @escaping @Sendable (_ round: Int, _ energies: [Int: [Double]]) throws -> [Int] = { _, _ in [] }
    ) {
        let largest = parameters.layout.lowRank?.rank ?? 0
        precondition(!ranks.isEmpty && ranks.allSatisfy { (1...max(1, largest)).contains($0) }, "ranks fit")
        precondition(!settings.aggregation.isSparse || ranks.allSatisfy { $0 == largest }, "one rank")
        self.parameters = parameters
        self.ranks = ranks
        self.settings = settings
        self.kept = kept
    }

    /// Takes an event.
    public func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction] {
        switch event {
        case .begin: return round == 0 ? try nextRound() : []
        case .idle: return []
        case .received(let message, let device):
            guard message.kind == .update, message.step == round, ranks.indices.contains(device),
                updates[device] == nil
            else { throw MethodError.unexpected(message.kind, step: message.step, sender: device) }
            try receive(message, from: device)
            return updates.count == ranks.count ? try endRound() : []
        }
    }

    private func nextRound() throws -> [ServerProgramAction] {
        guard round < settings.rounds else { return [.finished] }
        round += 1
        updates = [:]
        var tensors: [Int: [MessageTensor]] = [:]
        for rank in Set(ranks) { tensors[rank] = parameters.withRank(rank).messageTensors }
        let kept = settings.aggregation.isSparse ? try kept(round, energies) : []
        return ranks.indices.map { device in
            let scalars = kept.isEmpty ? [:] : [FederatedSettings.Scalar.kept: Float(kept[device])]
            return .send(
                MethodMessage(.adapters, step: round, scalars: scalars, tensors: tensors[ranks[device]] ?? []),
                to: device)
        }
    }

    private func receive(_ message: MethodMessage, from device: Int) throws {
        guard let samples = message.scalars[FederatedSettings.Scalar.samples], samples >= 1, samples.isFinite,
            let loss = message.scalars[FederatedSettings.Scalar.loss], loss.isFinite
        else { throw MethodError.misshapen(name: "scalars", expected: "samples and a finite loss") }
        let trained: TrainableParameters
        switch settings.aggregation {
        case .keptRanks:
            let (deltas, found) = try RankSelection.read(message.tensors, layout: parameters.layout)
            trained = deltas
            if !found.isEmpty { energies[device] = found }
        case .keptEntries: trained = try EntrySelection.read(message.tensors, layout: parameters.layout)
        case .truncatedProducts: trained = try TruncatedProduct.read(message.tensors, layout: parameters.layout)
        case .mean, .fair:
            let own = TrainableParameters(layout: parameters.layout.withRank(ranks[device]))
            try own.take(message.tensors)
            trained = own.withRank(parameters.layout.lowRank?.rank ?? 0)
        }
        updates[device] = (Double(samples), Double(loss), trained)
    }

    private func endRound() throws -> [ServerProgramAction] {
        // In the order of devices, so that rounding does not depend on who was first.
        let all = ranks.indices.compactMap { updates[$0] }
        let samples = all.reduce(0) { $0 + $1.samples }
        let parts = all.map { (weight: $0.samples / samples, parameters: $0.parameters) }
        switch settings.aggregation {
        case .mean: parameters.flat.copy(from: TrainableParameters.sum(parts).flat)
        case .keptRanks, .keptEntries:
            Kernels.best.add(TrainableParameters.sum(parts).flat, to: parameters.flat)
        case .truncatedProducts: TruncatedProduct.add(parts, to: parameters)
        case .fair(let lambda):
            let mean = TrainableParameters.sum(parts), correction = FactorCorrection(lambda: lambda)
            for slot in mean.layout.slots {
                correction.apply(to: mean.term(slot), parts: parts.map { ($0.weight, $0.parameters.term(slot)) })
            }
            parameters.flat.copy(from: mean.flat)
        }
        return [
            .computed(.change(.update, parameters: all.count * parameters.layout.count)),
            .completed(
                MethodProgress(step: round, loss: all.reduce(0) { $0 + $1.samples / samples * $1.loss })),
        ] + (try nextRound())
    }
}
