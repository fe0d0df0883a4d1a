import Methods
import Models

extension ProgramBuilder {
    /// What decides ranks and shares of the band round by round, for SOFT with TSFA: with the structural rank that is chosen
    /// here, before the run. Nil for all other methods.
    ///
    /// - Throws: `ExperimentError.noSharedBand`, or what training throws.
    func roundPlanner(_ shards: [DeviceShard]) throws -> RoundPlanner? {
        guard case .soft(let sparse) = settings.method, let limits = sparse.allocation else { return nil }
        guard let channel = RadioChannel(task.fleet) else { throw ExperimentError.noSharedBand }
        let costs = costs(whole, isOrthogonal: sparse.sent == .ranks && sparse.orthogonality > 0)
        let rates = VirtualDevice.all(of: task.fleet, precision: task.precision).map(\.flopsPerSecond)
        let blocks = 0..<model.layers
        let computeSeconds: @Sendable (Int) -> [Double] = { round in
            zip(shards, rates).map { shard, rate in
                let flops = (0..<sparse.localSteps).reduce(0.0) { sum, local in
                    let ids = shard.batch((round - 1) * sparse.localSteps + local)
                    let lengths = ids.map { shard.examples[$0].tokens.count }
                    let targets = ids.reduce(0) { $0 + shard.examples[$1].targets.count }
                    let passes: [MethodWork.Kind] = [.forward, .backward]
                    return sum + costs.flops(.change(.update, parameters: 0))
                        + passes.reduce(0) { $0 + costs.flops(.pass($1, blocks, lengths: lengths, targets: targets)) }
                }
                return flops / rate
            }
        }
        let rank = try offlineRank(channel, limits, computeSeconds: computeSeconds(1))
        return RoundPlanner(
            channel: channel, layout: whole.withRank(rank), rank: rank, limits: limits,
            computeSeconds: computeSeconds)
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
