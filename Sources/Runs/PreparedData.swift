import Datasets
import Recipes
import Tokenizers

/// The recipe's examples in tokens: each device's shard, and what nobody trains on.
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
    /// The classes' names; none where answers are words.
    public let labels: [String]

    /// For each test example whose answer is words, the tokens that the model is to continue.
    public var testPrompts: [[Int32]] { test.map { Array($0.tokens.dropLast($0.targets.count - 1)) } }

    /// For each test example its answer in words; empty for a class.
    public var testAnswers: [String] { testTexts.map { $0.answer ?? "" } }

    /// Reads, splits, deals and encodes the recipe's data set.
    ///
    /// - Parameter chat: the form of chats that the model was trained with, if it is one that is built in.
    /// - Throws: `RunError` or `DataError`.
    public init(_ recipe: Recipe, tokenizer: ByteLevelBPE, chat: ChatML?, cache: CacheFolder) throws {
        let split = try Self.split(recipe, cache: cache)
        let task = try PromptTask(recipe.task, chat: chat, tokenizer: tokenizer)
        labels = recipe.task.labels.map(\.name)
        shards = try Self.deal(split.train, recipe).map { indices in
            try indices.map { try task.encode(split.train[$0]) }
        }
        testTexts = Array(split.test.prefix(recipe.evaluation.samples))
        trainTexts = split.train
        test = try testTexts.map { try task.encode($0) }
        self.task = task
    }

    /// One device's shard of the recipe's data set: no other text is encoded.
    ///
    /// - Parameter number: the device's place in the plan; one that has none has no examples.
    /// - Throws: `RunError` or `DataError`.
    static func shard(
        _ number: Int, of recipe: Recipe, tokenizer: ByteLevelBPE, chat: ChatML?, cache: CacheFolder
    ) throws -> [EncodedExample] {
        let train = try split(recipe, cache: cache).train
        let task = try PromptTask(recipe.task, chat: chat, tokenizer: tokenizer)
        let assignment = try deal(train, recipe)
        guard assignment.indices.contains(number) else { return [] }
        return try assignment[number].map { try task.encode(train[$0]) }
    }

    /// Which examples each device has.
    private static func deal(_ train: [Example], _ recipe: Recipe) throws -> [[Int]] {
        let devices = recipe.devices
        return try devices.partition.rule.assign(
            labels: train.map { $0.label ?? 0 }, classes: max(1, recipe.task.labels.count),
            devices: devices.cuts.count, shares: devices.shares, seed: recipe.seed)
    }

    /// All examples of a device's own file, encoded as the recipe says.
    ///
    /// - Throws: `RunError` or `DataError`.
    static func all(
        of file: String, recipe: Recipe, tokenizer: ByteLevelBPE, chat: ChatML?
    ) throws -> [EncodedExample] {
        let task = try PromptTask(recipe.task, chat: chat, tokenizer: tokenizer)
        return try examples(recipe, file: file, sha256: nil, key: "--data").map { try task.encode($0) }
    }

    /// The examples of a file, in its order.
    private static func examples(
        _ recipe: Recipe, file: String, sha256: String?, key: String
    ) throws -> [Example] {
        try checkFile(file, sha256: sha256, key: key)
        let template = try ExampleTemplate(recipe)
        return try RecordFormat(recipe.data).read(file: file).map { try template.example(of: $0) }
    }

    /// The recipe's examples as they stand in the file, split.
    ///
    /// - Throws: `RunError` or `DataError`.
    static func split(_ recipe: Recipe, cache: CacheFolder) throws -> Split {
        let data = recipe.data
        func examples(_ path: String, sha256: String?, key: String) throws -> [Example] {
            try Self.examples(recipe, file: cache.resolve(path), sha256: sha256, key: key)
        }
        return try Datasets.split(
            examples(data.path, sha256: data.sha256, key: "data.path"),
            testExamples: data.testPath.map { try examples($0, sha256: data.testSHA256, key: "data.test_path") },
            testFraction: data.testFraction, trainLimit: data.trainLimit, seed: recipe.seed)
    }
}

extension PromptTask {
    init(_ task: Recipe.Task, chat: ChatML?, tokenizer: ByteLevelBPE) throws(DataError) {
        let head: Head =
            switch task.head {
            case .verbalizer: .verbalizer(words: task.labels.compactMap(\.word))
            case .classifier: .classifier
            case .lm: .languageModel
            }
        guard !task.chat || chat != nil else { throw .noChatTokens }
        try self.init(
            head: head, chat: task.chat ? chat : nil, maximumTokens: task.maximumTokens,
            truncates: task.tooLong == .truncate, tokenizer: tokenizer)
    }
}

extension ExampleTemplate {
    fileprivate init(_ recipe: Recipe) throws(DataError) {
        let answer: Answer
        if let template = recipe.task.answer {
            answer = .text(try PromptTemplate(template))
        } else {
            answer = .label(field: recipe.data.label, try LabelMap(recipe.task.labels.map(\.name)))
        }
        self.init(prompt: try PromptTemplate(recipe.task.prompt), answer: answer, groupField: recipe.data.group)
    }
}

extension RecordFormat {
    fileprivate init(_ data: Recipe.DataSet) {
        self =
            switch data.format {
            case .ratedSentences: .ratedSentences(minimumAbsoluteRating: data.minimumAbsoluteRating)
            case .tsv: .tabSeparated(columns: data.columns)
            case .csv: .commaSeparated(columns: data.columns)
            case .jsonl: .jsonLines
            }
    }
}
