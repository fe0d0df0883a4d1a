import Balancing
import Methods
import Models

extension ProgramBuilder {
    func fedLoRA(localSteps: Int, isFair: Bool, ranks: [Int]?) throws -> ProgramSet {
        let rounds = budget.rounds(shards, localSteps: localSteps)
        let federated = FederatedSettings(
            rounds: rounds, localSteps: localSteps, aggregation: isFair ? .fair(lambda: 0.01) : .mean)
        let largest = whole.lowRank?.rank ?? 1
        return try self.federated(federated, ranks: ranks ?? shards.map { _ in largest }) { _, _ in [] }
    }

    func soft(_ sparse: MethodSettings.Sparse) throws -> ProgramSet {
        let rounds = budget.rounds(shards, localSteps: sparse.localSteps)
        let aggregation: FederatedSettings.Aggregation =
            switch sparse.sent {
            case .ranks: .keptRanks
            case .entries: .keptEntries
            case .truncatedProducts: .truncatedProducts
            }
        let federated = FederatedSettings(
            rounds: rounds, localSteps: sparse.localSteps, aggregation: aggregation,
            orthogonality: sparse.sent == .ranks ? sparse.orthogonality : 0)
        if let allocation = sparse.allocation { return try allocated(federated, allocation) }
        let rank = whole.lowRank?.rank ?? 1
        let kept = shards.map { _ in RankSelection.kept(rank: rank, sparsity: sparse.sparsity) }
        return try self.federated(federated, ranks: shards.map { _ in rank }) { _, _ in kept }
    }

    func federated(
        _ federated: FederatedSettings, ranks: [Int],
        kept: @escaping @Sendable (_ round: Int, _ energies: [Int: [Double]]) throws -> [Int]
    ) throws -> ProgramSet {
        let shards = shards, parameters = try start(whole.withRank(ranks.max() ?? 1))
        let layouts = ranks.map { whole.withRank($0) }
        let rule = settings.rule(steps: federated.rounds * federated.localSteps)
        let server = FederatedServer(parameters: parameters, ranks: ranks, settings: federated, kept: kept)
        let devices = zip(shards, ranks).map { shard, rank in
            FederatedDevice(
                model: task.model, head: task.head, parameters: parameters.withRank(rank), shard: shard,
                settings: federated, rule: rule, seed: seed)
        }
        return ProgramSet(
            server: server, devices: devices, steps: federated.rounds, cuts: shards.map { _ in model.layers },
            memoryBytes: layouts.enumerated().map { memory($0.offset, samples: settings.batch).federated($0.element) },
            serverCosts: costs(nil),
            deviceCosts: layouts.map { costs($0, isOrthogonal: federated.orthogonality > 0) }, serverTrains: 0..<0,
            counting: .backward, frozenBlocks: 0, trained: { server.parameters })
    }
}
