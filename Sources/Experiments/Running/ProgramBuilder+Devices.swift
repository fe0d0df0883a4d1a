import Balancing
import Methods
import Models

extension ProgramBuilder {
    /// Methods that train on devices.
    func onDevices() throws -> ProgramSet {
        let shards = shards, method = settings.method, rank = whole.lowRank?.rank ?? 1
        let planner = try roundPlanner(shards, rank: rank)
        let steps =
            method.isFederated
            ? budget.rounds(shards, localSteps: method.localSteps) : budget.turns(shards)
        var kept: MethodSettings.KeptRanks?
        if let planner { kept = { try planner.kept(round: $0, energies: $1) } }
        let programs = method.programs(
            devices: shards.count, cut: commonCut, rank: rank, steps: steps, learningRate: settings.learningRate,
            seed: seed, kept: kept)
        let rule = settings.rule(steps: steps * method.localSteps)
        let plan = MethodPlan(programs, model: task.model, whole: whole, rule: rule, seed: seed) {
            [model = task.model, seed] layout in
            try TrainableParameters(layout: layout, model: model, seed: seed)
        }
        let server = try plan.server(head: task.head)
        let devices = try shards.map { try plan.device($0, head: { task.head }) }
        let layouts = shards.indices.map { plan.layout(ofDevice: $0) }
        return ProgramSet(
            server: server, devices: devices, steps: steps, cuts: shards.map { _ in plan.cut },
            memoryBytes: layouts.enumerated().map {
                memory($0.offset, samples: settings.batch).bytes(method, cut: plan.cut, training: $0.element)
            },
            serverCosts: method.isFederated
                ? costs(nil) : costs(plan.serverLayout, givesInputGradient: method.sendsGradients && plan.cut > 0),
            deviceCosts: layouts.map { costs($0, isOrthogonal: method.orthogonality > 0) },
            serverTrains: plan.cut..<model.layers, counting: method.counting, frozenBlocks: 0,
            trained: { plan.trained(server, devices) }, planner: planner)
    }

    /// TSFA's, where ranks and shares of the band are decided round by round.
    private func roundPlanner(_ shards: [DeviceShard], rank: Int) throws -> RoundPlanner? {
        guard case .soft(let sparse) = settings.method, let limits = sparse.allocation else { return nil }
        guard let channel = RadioChannel(task.fleet) else { throw ExperimentError.noSharedBand }
        let costs = costs(whole, isOrthogonal: sparse.orthogonality > 0)
        let rates = VirtualDevice.all(of: task.fleet, precision: task.precision).map(\.flopsPerSecond)
        let blocks = 0..<model.layers
        return RoundPlanner(
            channel: channel, layout: whole, rank: rank, limits: limits,
            computeSeconds: { round in
                zip(shards, rates).map { shard, rate in
                    let flops = (0..<sparse.localSteps).reduce(0.0) { sum, local in
                        let ids = shard.batch((round - 1) * sparse.localSteps + local)
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
    }
}

extension MethodSettings {
    /// Whether the gradient goes down through the cut.
    fileprivate var sendsGradients: Bool { if case .splitlora = self { true } else { false } }

    /// λ of the penalty that keeps factors near-orthogonal.
    fileprivate var orthogonality: Double { if case .soft(let sparse) = self { sparse.orthogonality } else { 0 } }

    /// Which work tells that tokens have been trained on.
    fileprivate var counting: TokenCount {
        if case .zo(let probes) = self { .forward(passes: 2 * probes.pairs) } else { .backward }
    }
}
