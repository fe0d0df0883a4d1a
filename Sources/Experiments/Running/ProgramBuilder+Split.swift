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
            counting: .backward, frozenBlocks: settings.frozenBlocks, trained: { server.parameters })
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

    func splitLoRA(averagingSteps: Int, followsPublishedCode: Bool) throws -> ProgramSet {
        let shards = shards, cut = commonCut, trains = cut..<model.layers
        let steps = budget.turns(shards), rule = settings.rule(steps: steps)
        let lower = layout(0..<cut, hasClassifier: false)
        let server = SplitLoRAServer(
            model: task.model, head: task.head, parameters: try start(layout(trains)), lowerLayout: lower,
            settings: .init(
                devices: shards.count, cut: cut, steps: steps, averagingSteps: averagingSteps,
                followsPublishedCode: followsPublishedCode),
            rule: rule, seed: seed)
        let devices = try shards.map { shard in
            SplitLoRADevice(
                model: task.model, parameters: try start(lower), cut: cut, shard: shard, rule: rule, seed: seed)
        }
        let whole = whole
        return ProgramSet(
            server: server, devices: devices, steps: steps, cuts: shards.map { _ in cut },
            memoryBytes: shards.indices.map { memory($0, samples: settings.batch).split(lower) },
            serverCosts: costs(layout(trains), givesInputGradient: cut > 0),
            deviceCosts: shards.map { _ in costs(lower) }, serverTrains: trains, counting: .backward, frozenBlocks: 0,
            trained: { .joined(devices: devices.map(\.parameters), server: server.parameters, whole: whole) })
    }

    func probing(_ probes: MethodSettings.Probes, serverHasGradient: Bool) throws -> ProgramSet {
        let shards = shards, cut = commonCut, trains = cut..<model.layers
        let steps = budget.turns(shards), lower = layout(0..<cut, hasClassifier: false)
        let variant: ProbingSettings.Variant =
            !serverHasGradient ? .zerothOrder : probes.followsPublishedCode ? .publishedCode : .threePhases
        let probing = ProbingSettings(
            variant: variant, cut: cut, pairs: probes.pairs, epsilon: probes.epsilon,
            learningRate: probes.deviceLearningRate, seed: seed)
        let atOnce = variant == .publishedCode ? 1 : probes.atOnce
        let upper = try start(layout(trains))
        let server =
            serverHasGradient
            ? ProbingServer(
                model: task.model, head: task.head, parameters: upper, settings: probing,
                rule: settings.rule(steps: steps), devices: shards.count, steps: steps, atOnce: atOnce)
            : ProbingServer(
                model: task.model, head: task.head, parameters: upper, settings: probing,
                learningRate: settings.learningRate, devices: shards.count, steps: steps, atOnce: atOnce)
        let devices = try shards.map {
            ProbingDevice(model: task.model, parameters: try start(lower), shard: $0, settings: probing)
        }
        let whole = whole
        return ProgramSet(
            server: server, devices: devices, steps: steps, cuts: shards.map { _ in cut },
            memoryBytes: shards.indices.map { memory($0, samples: settings.batch).probing(lower) },
            serverCosts: costs(layout(trains)), deviceCosts: shards.map { _ in costs(lower) }, serverTrains: trains,
            counting: serverHasGradient ? .backward : .forward(passes: 2 * probes.pairs), frozenBlocks: 0,
            // All devices have the same.
            trained: { .joined(devices: [devices[0].parameters], server: server.parameters, whole: whole) })
    }
}
