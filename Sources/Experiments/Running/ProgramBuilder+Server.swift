import Methods
import Models

extension ProgramBuilder {
    func splitFrozen(messageSamples: Int) throws -> ProgramSet {
        let steps = budget.pooledSteps(task.shards), trains = settings.frozenBlocks..<model.layers
        let forward = FrozenForward(model: task.model)
        let server = SplitFrozenServer(
            model: task.model, head: task.head, parameters: try start(layout(trains)),
            frozenBlocks: settings.frozenBlocks, cuts: task.cuts, counts: task.shards.map(\.count),
            batch: settings.batch, steps: steps, rule: settings.rule(steps: steps), seed: seed)
        let devices = zip(task.cuts, task.shards).enumerated().map { device, part in
            SplitFrozenDevice(
                forward: forward, device: device, examples: part.1, cut: part.0, groupSize: messageSamples,
                maximumTokens: .max, seed: seed)
        }
        return ProgramSet(
            server: server, devices: devices, steps: steps, cuts: task.cuts,
            memoryBytes: task.cuts.enumerated().map {
                memory($0.offset, samples: messageSamples).frozen(cut: $0.element)
            },
            serverCosts: costs(layout(trains)), deviceCosts: task.cuts.map { _ in costs(nil) }, serverTrains: trains,
            counting: .backward, frozenBlocks: settings.frozenBlocks, trained: { server.parameters },
            holdsUntilAcknowledged: false)
    }

    func central() throws -> ProgramSet {
        let steps = budget.pooledSteps(task.shards), trains = settings.frozenBlocks..<model.layers
        let server = CentralServer(
            model: task.model, head: task.head, parameters: try start(layout(trains)),
            frozenBlocks: settings.frozenBlocks, shards: task.shards, batch: settings.batch, steps: steps,
            rule: settings.rule(steps: steps), seed: seed, pool: pool)
        return ProgramSet(
            server: server, devices: [], steps: steps, cuts: [], memoryBytes: [], serverCosts: costs(layout(trains)),
            deviceCosts: [], serverTrains: trains, counting: .backward, frozenBlocks: settings.frozenBlocks,
            trained: { server.parameters })
    }
}
