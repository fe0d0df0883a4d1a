import Datasets
import Experiments
import Methods
import Recipes

/// How many tokens and targets a run's examples have where they lie in memory together: all that a prediction of memory
/// needs of the data.
struct ExampleSizes: Sendable, Equatable {
    /// The largest group of examples of some kind.
    struct Group: Sendable, Equatable {
        var tokens = 0
        var targets = 0

        fileprivate init() {}

        fileprivate init(largestOf groups: some Sequence<[EncodedExample]>) {
            for group in groups {
                tokens = max(tokens, group.reduce(0) { $0 + $1.tokens.count })
                targets = max(targets, group.reduce(0) { $0 + $1.targets.count })
            }
        }
    }

    /// Training examples of all devices.
    let trainSamples: Int
    /// Their tokens.
    let trainTokens: Int
    /// The tokens of all test examples.
    let testTokens: Int
    /// The largest micro-batch of the run.
    private(set) var microBatch = Group()
    /// Micro-batches of a whole batch.
    let microBatches: Int
    /// The largest message of each device.
    let messages: [Group]
    /// The largest batch, or message, of each device.
    let devices: [DeviceMemory.Load]
    /// The largest job of scoring.
    let scoring: Group
    /// The prompts of each job of generation, in tokens.
    let generation: [[Int]]

    /// - Parameters:
    ///   - shards: training examples by device.
    ///   - test: test examples.
    init(_ recipe: Recipe, shards: [[EncodedExample]], test: [EncodedExample]) {
        let training = recipe.training
        trainSamples = shards.reduce(0) { $0 + $1.count }
        trainTokens = shards.joined().reduce(0) { $0 + $1.tokens.count }
        testTokens = test.reduce(0) { $0 + $1.tokens.count }
        let batch = min(training.batch, trainSamples)
        microBatches = (batch + training.microBatch - 1) / training.microBatch
        if training.order.followsArrivals {
            // Any samples may meet, and in `available` the longest one itself.
            let count = min(batch, training.microBatch)
            microBatch.tokens = count * (shards.joined().map(\.tokens.count).max() ?? 0)
            microBatch.targets = count * (shards.joined().map(\.targets.count).max() ?? 0)
        }
        // Every use of chance has its seed, so the groups are those of the run.
        let counts = shards.map(\.count)
        for epoch in 1...max(1, training.epochs) {
            let order = SampleOrder.global(seed: recipe.seed, counts: counts, epoch: epoch)
            let cut = Batches.cut(order, size: training.batch).lazy.flatMap {
                Batches.cut($0, size: training.microBatch).map { $0.map { shards[$0.device][$0.index] } }
            }
            let largest = Group(largestOf: cut)
            microBatch.tokens = max(microBatch.tokens, largest.tokens)
            microBatch.targets = max(microBatch.targets, largest.targets)
        }
        messages = shards.enumerated().map { device, shard in
            let order = SampleOrder.deviceOrder(
                seed: recipe.seed, device: device, count: shard.count, epoch: 1)
            return Group(
                largestOf: Batches.cut(order, size: recipe.devices.publishBatch).lazy.map { $0.map { shard[$0] } })
        }
        let samples = training.method == .splitfrozen ? recipe.devices.publishBatch : training.batch
        devices = shards.map { DeviceMemory.Load($0, samples: samples) }
        scoring = Group(largestOf: Batches.cut(test, size: EvaluationSet.examplesPerJob))
        let prompts = test.map { $0.tokens.count - ($0.targets.count - 1) }
        generation =
            recipe.evaluation.generateTokens > 0
            ? Scorer.jobs(prompts).map { $0.map { prompts[$0] } } : []
    }
}
