/// What one key's value demands of another's, where each is possible on its own.
struct RecipeRule: Sendable {
    /// The key to blame.
    let key: String
    /// What the key must be, if it is not so; otherwise nil.
    let violation: @Sendable (Recipe) -> String?

    static let all: [RecipeRule] = [
        .init(key: "task.labels") { recipe in
            guard recipe.data.format == .ratedSentences else { return nil }
            let isSentiment = Set(recipe.task.labels.map(\.label)) == ["negative", "positive"]
            return isSentiment ? nil : "a map of the labels negative and positive, as data.format is rated-sentences"
        },
        .init(key: "data.minimum_absolute_rating") { recipe in
            let isRated = recipe.data.format == .ratedSentences
            return isRated || recipe.data.minimumAbsoluteRating == 0 ? nil : "0, as data.format has no ratings"
        },
        .init(key: "evaluation.samples") { recipe in
            let isTested = recipe.evaluation.samples > 0
            return isTested && recipe.data.testFraction == 0 ? "0, as data.test_fraction is 0" : nil
        },
        .init(key: "training.micro_batch") { recipe in
            let batch = recipe.training.batch
            return recipe.training.microBatch > batch ? "at most training.batch, \(batch)" : nil
        },
        .init(key: "training.warmup_steps") { recipe in
            guard let limit = recipe.data.trainLimit else { return nil }
            let batch = recipe.training.batch
            let steps = (limit + batch - 1) / batch * recipe.training.epochs
            return recipe.training.warmupSteps > steps
                ? "at most \(steps), all steps of data.train_limit, training.batch and training.epochs" : nil
        },
        .init(key: "devices.cuts") { recipe in
            let frozen = recipe.model.frozenBlocks
            return recipe.devices.cuts.contains { $0 > frozen }
                ? "a list of numbers from 0 to model.frozen_blocks, \(frozen)" : nil
        },
        .init(key: "devices.shares") { recipe in
            let count = recipe.devices.cuts.count
            guard let shares = recipe.devices.shares, shares.count != count else { return nil }
            return "null or a list of \(count) numbers, one for each of devices.cuts"
        },
        .init(key: "devices.partition") { recipe in
            let devices = recipe.devices.cuts.count, labels = recipe.task.labels.count
            guard recipe.devices.partition == .oneLabelPerDevice, devices < labels else { return nil }
            return "iid or dirichlet, as \(devices) devices are fewer than \(labels) labels"
        },
        .init(key: "devices.credit_bytes") { recipe in
            recipe.devices.creditBytes > recipe.store.capacityBytes ? "at most store.capacity_bytes" : nil
        },
    ]
}
