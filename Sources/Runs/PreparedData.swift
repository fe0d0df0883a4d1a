import Datasets
import Recipes
import Tokenizers

/// The recipe's sentences in tokens: each device's shard, and what nobody trains on.
public struct PreparedData: Sendable {
    /// Training examples by device. A shard never leaves the device's role.
    public let shards: [[EncodedExample]]
    /// Test examples, in the order of the split.
    public let test: [EncodedExample]
    /// The test examples as they stand in the file.
    public let testTexts: [Example]
    /// The training examples as they stand in the file, before they are dealt to devices.
    public let trainTexts: [Example]
    /// The prompt and the label words.
    public let task: PromptTask
    /// The classes' names.
    public let labels: [String]

    /// Reads, splits, deals and encodes the recipe's data set.
    ///
    /// - Throws: `RunError` or `DataError`.
    public init(_ recipe: Recipe, tokenizer: ByteLevelBPE, cache: CacheFolder) throws {
        let (split, file) = try Self.split(recipe, cache: cache)
        let task = try PromptTask(
            template: recipe.task.prompt, labelWords: recipe.task.labels.map(\.word),
            maximumTokens: recipe.task.maximumTokens, truncates: recipe.task.tooLong == .truncate,
            tokenizer: tokenizer)
        labels = recipe.task.labels.map(\.label)
        let devices = recipe.devices
        let assignment = try Partition(devices.partition).assign(
            labels: split.train.map(\.label), classes: labels.count, devices: devices.cuts.count,
            shares: devices.shares, seed: recipe.seed)
        let encode = { (example: Example) in try task.encode(example, file: file) }
        shards = try assignment.map { indices in try indices.map { try encode(split.train[$0]) } }
        testTexts = Array(split.test.prefix(recipe.evaluation.samples))
        trainTexts = split.train
        test = try testTexts.map(encode)
        self.task = task
    }

    /// The recipe's sentences as they stand in the file, split.
    ///
    /// - Throws: `RunError` or `DataError`.
    static func split(_ recipe: Recipe, cache: CacheFolder) throws -> (Split, file: String) {
        let file = cache.resolve(recipe.data.path)
        try checkFile(file, sha256: recipe.data.sha256, key: "data.path")
        let labels = try LabelMap(recipe.task.labels.map(\.label))
        let examples =
            switch recipe.data.format {
            case .ratedSentences:
                try RatedSentences.read(
                    file: file, labels: labels, minimumAbsoluteRating: recipe.data.minimumAbsoluteRating)
            case .tsv: try LabelledLines.read(file: file, labels: labels)
            }
        let split = try Datasets.split(
            examples, testFraction: recipe.data.testFraction, trainLimit: recipe.data.trainLimit, seed: recipe.seed)
        return (split, file)
    }
}

extension Partition {
    fileprivate init(_ choice: Recipe.Partition) {
        self =
            switch choice {
            case .iid: .iid
            case .dirichlet(let alpha): .dirichlet(alpha: alpha)
            case .oneLabelPerDevice: .oneLabelPerDevice
            }
    }
}
