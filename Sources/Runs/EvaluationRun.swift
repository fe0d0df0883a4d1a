import Datasets
import Foundation
import Methods
import Models
import Recipes
import Tensors

/// Scores a model, with or without an adapter, on a recipe's test sentences.
public struct EvaluationRun: Sendable {
    private let recipe: Recipe
    private let adapterPath: String?
    private let cache: CacheFolder

    /// - Parameter adapterPath: a folder in PEFT's format; nil scores the model as it is.
    public init(_ recipe: Recipe, adapterPath: String?, cache: CacheFolder = CacheFolder()) {
        self.recipe = recipe
        self.adapterPath = adapterPath
        self.cache = cache
    }

    /// What an evaluation gives, as it is printed.
    public struct Report: Codable, Sendable, Equatable {
        /// The adapter's folder, nil for the model as it is.
        public var adapterPath: String?
        /// Test sentences.
        public var samples: Int
        /// Share of right predictions.
        public var accuracy: Double
        /// Mean over classes of F1.
        public var macroF1: Double
        /// The accuracy of always naming the most frequent class.
        public var majority: Double
        /// Mean cross-entropy over the label words, in nats.
        public var loss: Double
        /// The whole evaluation with loading.
        public var seconds: Double
    }

    /// One test sentence and what the model says of it.
    public struct Prediction: Codable, Sendable {
        /// The sentence as it stands in the data.
        public var text: String
        /// Its class.
        public var label: Int
        /// One logit per class.
        public var logits: [Float]
    }

    /// Runs the evaluation. Blocks the calling thread.
    ///
    /// - Parameter progress: called with the sentences done so far and their number, on threads of the pool.
    /// - Throws: a `NumberedError` for whatever a user can mend.
    public func run(
        progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) throws -> (Report, [Prediction]) {
        let start = ContinuousClock.now
        let prepared = try PreparedModel(recipe, cache: cache)
        let data = try PreparedData(recipe, tokenizer: prepared.tokenizer, endToken: prepared.endToken, cache: cache)
        let adapters = try adapterPath.map { try TrainableParameters(peft: $0, model: prepared.model.hyperparameters) }
        let frozenBlocks = adapters?.layout.blocks.first ?? recipe.model.frozenBlocks
        let set = try EvaluationSet(
            model: prepared.model, head: OutputHead(model: prepared.model, labelTokens: data.task.labelTokens),
            examples: data.test, frozenBlocks: frozenBlocks, pool: ComputePool(threads: recipe.threadCount),
            progress: progress)
        let score = try set.score(adapters)
        let report = Report(
            adapterPath: adapterPath, samples: score.classes?.samples ?? 0, accuracy: score.accuracy,
            macroF1: score.classes?.macroF1 ?? 0, majority: score.classes?.majorityRate ?? 0, loss: score.loss,
            seconds: (ContinuousClock.now - start) / .seconds(1))
        let predictions = zip(data.testTexts, score.logits).map {
            Prediction(text: $0.text, label: $0.label ?? 0, logits: $1)
        }
        return (report, predictions)
    }
}
