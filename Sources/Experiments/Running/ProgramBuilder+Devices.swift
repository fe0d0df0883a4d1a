import Methods
import Models

extension ProgramBuilder {
    /// Methods that train on devices.
    func onDevices() throws -> ProgramSet {
        let shards = shards, method = settings.method, planner = try roundPlanner(shards)
        let whole = planner.map { self.whole.withRank($0.rank) } ?? self.whole
        let steps =
            method.isFederated
            ? budget.rounds(shards, localSteps: method.localSteps) : budget.turns(shards)
        var kept: MethodSettings.KeptRanks?
        if let planner { kept = { try planner.kept(round: $0, energies: $1) } }
        let programs = method.programs(
            devices: shards.count, cut: commonCut, rank: whole.lowRank?.rank ?? 1, steps: steps,
            learningRate: settings.learningRate,
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
}

extension MethodSettings {
    /// Whether the gradient goes down through the cut.
    fileprivate var sendsGradients: Bool { if case .splitlora = self { true } else { false } }

    /// λ of the penalty that keeps factors near-orthogonal.
    fileprivate var orthogonality: Double {
        guard case .soft(let sparse) = self, sparse.sent == .ranks else { return 0 }
        return sparse.orthogonality
    }

    /// Which work tells that tokens have been trained on.
    fileprivate var counting: TokenCount {
        if case .zo(let probes) = self { .forward(passes: 2 * probes.pairs) } else { .backward }
    }
}
