/// What one key's value demands of another's, where each is possible on its own.
struct RecipeRule: Sendable {
    /// The key to blame.
    let key: String
    /// What the key must be, if it is not so; otherwise nil.
    let violation: @Sendable (Recipe) -> String?

    static let all = model + data + task + training + method + devices + pipeline + comparison

    private static let model: [RecipeRule] = [
        .init(key: "model.prepared") { recipe in
            recipe.model.prepared && recipe.model.sha256 == nil ? "false, as model.sha256 is null" : nil
        }
    ]

    private static let data: [RecipeRule] = [
        .init(key: "data.minimum_absolute_rating") { recipe in
            let isRated = recipe.data.format == .ratedSentences
            return isRated || recipe.data.minimumAbsoluteRating == 0 ? nil : "0, as data.format has no ratings"
        },
        .init(key: "data.columns") { recipe in
            let isTable = [.tsv, .csv].contains(recipe.data.format)
            return isTable || recipe.data.columns == nil ? nil : "null, as data.format names its fields itself"
        },
        .init(key: "data.test_sha256") { recipe in
            recipe.data.testPath == nil && recipe.data.testSHA256 != nil ? "null, as data.test_path is null" : nil
        },
        .init(key: "data.test_fraction") { recipe in
            guard recipe.data.testPath != nil, recipe.data.group == nil, recipe.data.testFraction > 0 else {
                return nil
            }
            return "0, as data.test_path is given and there is no data.group of which a share could be kept for testing"
        },
        .init(key: "evaluation.samples") { recipe in
            let isTested = recipe.evaluation.samples > 0
            let hasTests = recipe.data.testFraction > 0 || recipe.data.testPath != nil
            return isTested && !hasTests ? "0, as data.test_fraction is 0 and data.test_path is null" : nil
        },
    ]

    private static let task: [RecipeRule] = [
        .init(key: "task.labels") { recipe in
            let labels = recipe.task.labels
            switch recipe.task.head {
            case .lm: return labels.isEmpty ? nil : "null, as task.head is lm"
            case .classifier where labels.isEmpty: return "a list of labels, as task.head is classifier"
            case .verbalizer where labels.isEmpty || labels.contains { $0.word == nil }:
                return "a map of labels to different label words, as task.head is verbalizer"
            case .classifier, .verbalizer: break
            }
            guard recipe.data.format == .ratedSentences else { return nil }
            let isSentiment = Set(labels.map(\.name)) == ["negative", "positive"]
            return isSentiment ? nil : "the labels negative and positive, as data.format is rated-sentences"
        },
        .init(key: "task.answer") { recipe in
            let isModel = recipe.task.head == .lm
            guard isModel != (recipe.task.answer != nil) else { return nil }
            return isModel ? "a template such as {answer}, as task.head is lm" : "null, as task.head is not lm"
        },
        .init(key: "task.chat") { recipe in
            recipe.task.chat && recipe.task.head != .lm ? "false, as task.head is not lm" : nil
        },
        .init(key: "evaluation.generate_tokens") { recipe in
            recipe.evaluation.generateTokens > 0 && recipe.task.head != .lm ? "0, as task.head is not lm" : nil
        },
    ]

    private static let training: [RecipeRule] = [
        .init(key: "lora.blocks") { recipe in
            guard let blocks = recipe.lora.blocks else { return nil }
            guard recipe.training.trainable == .lora else { return "null, as training.trainable is full" }
            let frozen = recipe.model.frozenBlocks
            return blocks.lowerBound > frozen ? nil : "null or blocks above model.frozen_blocks, \(frozen)"
        },
        .init(key: "training.momentum") { recipe in
            let isPossible = recipe.training.momentum == 0 || recipe.training.optimizer == .sgd
            return isPossible ? nil : "0, as training.optimizer is not sgd"
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
    ]

    private static let method: [RecipeRule] = [
        .init(key: "training.trainable") { recipe in
            let method = recipe.training.method
            let isPossible = recipe.training.trainable == .lora || !method.trainsOnDevices || method.probes
            return isPossible ? nil : "lora, as training.method is \(method.rawValue)"
        },
        .init(key: "lora.blocks") { recipe in
            let isPossible = recipe.lora.blocks == nil || !recipe.training.method.trainsOnDevices
            return isPossible ? nil : "null, as training.method trains all blocks"
        },
        .init(key: "pipeline.stages") { recipe in
            let isPossible = recipe.pipeline.stages == 1 || !recipe.training.method.trainsOnDevices
            return isPossible ? nil : "1, as training.method has no pipeline"
        },
        .init(key: "training.recompute") { recipe in
            guard recipe.training.recompute else { return nil }
            if recipe.training.method.trainsOnDevices { return "false, as training.method trains on devices" }
            return recipe.pipeline.stages == 1 ? nil : "false, as pipeline.stages is above 1"
        },
        .init(key: "pipeline.replicas") { recipe in
            let isPossible = recipe.pipeline.replicas == 1 || !recipe.training.method.trainsOnDevices
            return isPossible ? nil : "1, as training.method has one server"
        },
        .init(key: "method.cut") { recipe in
            let isPossible = !recipe.training.method.probes || recipe.commonCut > 0
            return isPossible ? nil : "at least 1, as devices of training.method train"
        },
        .init(key: "method.averaging_steps") { recipe in
            let devices = recipe.devices.cuts.count
            guard recipe.training.method == .splitlora, recipe.method.reference else { return nil }
            return recipe.method.averagingSteps > devices
                ? nil : "above the number of devices, \(devices), as method.reference is true"
        },
        .init(key: "method.ranks") { recipe in
            guard let ranks = recipe.method.ranks else { return nil }
            guard recipe.training.method == .fedlora else { return "null, as training.method is not fedlora" }
            let count = recipe.devices.cuts.count, rank = recipe.lora.rank
            return ranks.count == count && ranks.max() == rank
                ? nil : "null or a list of \(count) ranks, one for each of devices.cuts, the largest lora.rank, \(rank)"
        },
        .init(key: "method.at_once") { recipe in
            let isPossible = recipe.method.variant == .paper || recipe.method.atOnce == 1
            return isPossible ? nil : "1, as method.variant is code"
        },
        .init(key: "method.variant") { recipe in
            let isPossible = recipe.method.variant == .paper || recipe.training.method == .hosl
            return isPossible ? nil : "paper, as training.method is not hosl"
        },
    ]

    private static let devices: [RecipeRule] = [
        .init(key: "devices.cuts") { recipe in
            let frozen = recipe.model.frozenBlocks
            return recipe.devices.cuts.contains { $0 > frozen }
                ? "a list of numbers from 0 to model.frozen_blocks, \(frozen)" : nil
        },
        .init(key: "devices.ids") { recipe in
            let count = recipe.devices.cuts.count
            guard let ids = recipe.devices.ids, ids.count != count else { return nil }
            return "null or a list of \(count) ids, one for each of devices.cuts"
        },
        .init(key: "devices.shares") { recipe in
            let count = recipe.devices.cuts.count
            guard let shares = recipe.devices.shares, shares.count != count else { return nil }
            return "null or a list of \(count) numbers, one for each of devices.cuts"
        },
        .init(key: "devices.partition") { recipe in
            guard recipe.task.head != .lm || recipe.devices.partition == .iid else {
                return "iid, as task.head is lm and its answers have no labels"
            }
            let devices = recipe.devices.cuts.count, labels = recipe.task.labels.count
            guard recipe.devices.partition == .oneLabelPerDevice, devices < labels else { return nil }
            return "iid or dirichlet, as \(devices) devices are fewer than \(labels) labels"
        },
        .init(key: "devices.credit_bytes") { recipe in
            recipe.devices.creditBytes > recipe.store.capacityBytes ? "at most store.capacity_bytes" : nil
        },
    ]

    private static let pipeline: [RecipeRule] = [
        .init(key: "pipeline.memory") { recipe in
            let isPossible = recipe.pipeline.memoryBytes == nil || recipe.pipeline.stages > 1
            return isPossible ? nil : "null, as pipeline.stages is 1"
        },
        .init(key: "pipeline.placement") { recipe in
            let isPossible = recipe.pipeline.placement == .threads || recipe.pipeline.stages > 1
            return isPossible ? nil : "threads, as pipeline.stages is 1"
        },
    ]

    /// Of recipes that compare: others have the defaults, which need not fit.
    private static let comparison: [RecipeRule] = [
        .init(key: "compare.imbalances") { recipe in
            guard recipe.comparison.fleet != nil, recipe.task.head == .lm else { return nil }
            return recipe.comparison.imbalances == [.iid]
                ? nil : "[iid], as task.head is lm and its answers have no labels"
        },
        .init(key: "compare.cuts") { recipe in
            let frozen = recipe.model.frozenBlocks
            return recipe.comparison.cuts.values.contains { $0 > frozen }
                ? "a map to numbers from 0 to model.frozen_blocks, \(frozen)" : nil
        },
        .init(key: "evaluation.samples") { recipe in
            let isScored = recipe.comparison.fleet == nil || recipe.evaluation.samples > 0
            return isScored ? nil : "at least 1, as compare.fleet is given and methods are compared by their scores"
        },
    ]
}
