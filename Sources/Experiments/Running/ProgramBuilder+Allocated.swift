import Methods
import Models

extension ProgramBuilder {
    /// SOFT with TSFA: the rank is chosen here, before the run; kept ranks and shares of the band round by round.
    ///
    /// - Throws: `ExperimentError.noSharedBand`, or what training throws.
    func allocated(_ federated: FederatedSettings, _ allocation: MethodSettings.Allocation) throws -> ProgramSet {
        guard let channel = RadioChannel(task.fleet) else { throw ExperimentError.noSharedBand }
        let shards = shards, blocks = 0..<model.layers
        let costs = costs(whole, isOrthogonal: federated.orthogonality > 0)
        let rates = VirtualDevice.all(of: task.fleet, precision: task.precision).map(\.flopsPerSecond)
        let computeSeconds: @Sendable (Int) -> [Double] = { round in
            zip(shards, rates).map { shard, rate in
                let flops = (0..<federated.localSteps).reduce(0.0) { sum, local in
                    let ids = shard.batch((round - 1) * federated.localSteps + local)
                    let lengths = ids.map { shard.examples[$0].tokens.count }
                    let targets = ids.reduce(0) { $0 + shard.examples[$1].targets.count }
                    let passes: [MethodWork.Kind] = [.forward, .backward]
                    return sum + costs.flops(.change(.update, parameters: 0))
                        + passes.reduce(0) { $0 + costs.flops(.pass($1, blocks, lengths: lengths, targets: targets)) }
                }
                return flops / rate
            }
        }
        let rank = try offlineRank(channel, allocation, computeSeconds: computeSeconds(1))
        let planner = RoundPlanner(
            channel: channel, layout: whole.withRank(rank), rank: rank, limits: allocation,
            computeSeconds: computeSeconds)
        var programs = try self.federated(federated, ranks: shards.map { _ in rank }) {
            try planner.kept(round: $0, energies: $1)
        }
        programs.planner = planner
        return programs
    }

    /// The rank that loses least at the channel's mean rate: a power of two, or the adapters' own, which is the largest.
    private func offlineRank(
        _ channel: RadioChannel, _ allocation: MethodSettings.Allocation, computeSeconds: [Double]
    ) throws -> Int {
        let largest = whole.lowRank?.rank ?? 1, devices = Double(channel.meanSNR.count)
        guard allocation.pilotSteps > 0 else { return largest }
        let efficiency = channel.meanSNR.indices.reduce(0) { $0 + channel.meanEfficiency(of: $1) } / devices
        let pairs = OfflineRank.sendablePairs(
            bitsPerSecond: channel.bandwidthHertz * efficiency, devices: channel.meanSNR.count,
            seconds: allocation.limitSeconds - computeSeconds.reduce(0, +) / devices,
            pairBits: Double(RankSelection.pairBits(whole)))
        let powers = sequence(first: 1) { 2 * $0 }.prefix { $0 < largest }
        return try OfflineRank.choose(
            pilotSingularValues(steps: allocation.pilotSteps), candidates: powers + [largest], sendablePairs: pairs)
    }

    /// Of the adapters after a short central run, layer by layer: the mean of their energies, each layer's as shares of its
    /// own.
    private func pilotSingularValues(steps: Int) throws -> [Double] {
        let server = CentralServer(
            model: task.model, head: task.head, parameters: try start(whole), frozenBlocks: 0, shards: task.shards,
            batch: settings.batch, steps: steps, rule: settings.rule(steps: steps), seed: seed, pool: pool)
        while try !server.handle(.idle).contains(.finished) {}
        return RankSelection.spectrum(server.parameters).map { $0.squareRoot() }
    }
}
