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
        let shards = shards, rank = whole.lowRank?.rank ?? 1
        let rounds = budget.rounds(shards, localSteps: sparse.localSteps)
        let federated = FederatedSettings(
            rounds: rounds, localSteps: sparse.localSteps, aggregation: sparse.keepsEntries ? .keptEntries : .keptRanks,
            orthogonality: sparse.orthogonality)
        let ranks = shards.map { _ in rank }
        guard let allocation = sparse.allocation else {
            let kept = shards.map { _ in RankSelection.kept(rank: rank, sparsity: sparse.sparsity) }
            return try self.federated(federated, ranks: ranks) { _, _ in kept }
        }
        guard let channel = RadioChannel(task.fleet) else { throw ExperimentError.noSharedBand }
        let costs = costs(whole, isOrthogonal: sparse.orthogonality > 0)
        let rates = VirtualDevice.all(of: task.fleet, precision: task.precision).map(\.flopsPerSecond)
        let blocks = 0..<model.layers
        let planner = RoundPlanner(
            channel: channel, layout: whole, rank: rank, limits: allocation,
            computeSeconds: { round in
                zip(shards, rates).map { shard, rate in
                    let flops = (0..<federated.localSteps).reduce(0.0) { sum, local in
                        let ids = shard.batch((round - 1) * federated.localSteps + local)
                        let lengths = ids.map { shard.examples[$0].tokens.count }
                        let targets = ids.reduce(0) { $0 + shard.examples[$1].targets.count }
                        let passes: [MethodWork.Kind] = [.forward, .backward]
                        return sum + costs.flops(.change(.update, parameters: 0))
                            + passes.reduce(0) {
                                $0 + costs.flops(.pass($1, blocks, lengths: lengths, targets: targets))
                            }
                    }
                    return flops / rate
                }
            })
        var programs = try self.federated(federated, ranks: ranks) { try planner.kept(round: $0, energies: $1) }
        programs.planner = planner
        return programs
    }

    private func federated(
        _ federated: FederatedSettings, ranks: [Int],
        kept: @escaping @Sendable (_ round: Int, _ energies: [Int: [Double]]) throws -> [Int]
    ) throws -> ProgramSet {
        let shards = shards, parameters = try start(whole)
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
