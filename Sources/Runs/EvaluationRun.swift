import Datasets
import Foundation
import Methods
import Models
import Recipes
import Synchronization
import Tensors

/// Scores a model, as it is or with what was trained, on a recipe's test examples.
public final class EvaluationRun: Sendable {
    private let recipe: Recipe
    private let adapterPath: String?
    private let cache: CacheFolder
    private let isStopping = Atomic(false)

    /// - Parameter adapterPath: the folder of what was trained; nil scores the model as it is.
    public init(_ recipe: Recipe, adapterPath: String?, cache: CacheFolder = CacheFolder()) {
        self.recipe = recipe
        self.adapterPath = adapterPath
        self.cache = cache
    }

    /// What an evaluation gives, as it is printed.
    public struct Report: Codable, Sendable, Equatable {
        /// The folder of what was trained, nil for the model as it is.
        public var adapterPath: String?
        /// The figures.
        public var score: RunScore
        /// The whole evaluation with loading.
        public var seconds: Double
    }

    /// One test example and what the model says of it.
    public struct Prediction: Codable, Sendable {
        /// What the model was asked.
        public var prompt: String
        /// Its class, where it has one.
        public var label: Int?
        /// One logit per class.
        public var logits: [Float]?
        /// The true answer, where answers are words.
        public var reference: String?
        /// The generated answer.
        public var answer: String?
    }

    /// Ends the evaluation with `RunError.evaluationInterrupted`. Callable from any thread.
    public func stop() { isStopping.store(true, ordering: .relaxed) }

    /// Runs the evaluation. Blocks the calling thread.
    ///
    /// - Parameter progress: called with the examples done so far and their number, on threads of the pool.
    /// - Throws: a `NumberedError` for whatever a user can mend.
    public func run(
        progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) throws -> (Report, [Prediction]) {
        let start = ContinuousClock.now
        let stoppable: Scorer.Progress = { [self] done, count in
            if isStopping.load(ordering: .relaxed) { throw RunError.evaluationInterrupted }
            progress(done, count)
        }
        let prepared = try PreparedModel(recipe, cache: cache)
        let data = try PreparedData(recipe, tokenizer: prepared.tokenizer, chat: prepared.chat, cache: cache)
        let parameters = try adapterPath.map { try TrainableParameters(trained: $0, model: prepared.model) }
        let head = try OutputHead(recipe, model: prepared.model, labelTokens: data.task.labelTokens)
        guard recipe.task.head != .classifier || parameters?.layout.classes == head.outputs else {
            throw RunError.classifierMissing(path: adapterPath)
        }
        let scorer = try Scorer(
            recipe, prepared: prepared, data: data, head: head,
            frozenBlocks: parameters?.layout.blocks.first ?? recipe.model.frozenBlocks,
            pool: ComputePool(threads: recipe.threadCount), progress: stoppable)
        let details = try scorer.score(parameters, progress: stoppable)
        let report = Report(
            adapterPath: adapterPath, score: details.score, seconds: (ContinuousClock.now - start) / .seconds(1))
        let predictions = data.testTexts.indices.map { index in
            Prediction(
                prompt: data.testTexts[index].prompt.text, label: data.testTexts[index].label,
                logits: details.logits.isEmpty ? nil : details.logits[index], reference: data.testTexts[index].answer,
                answer: details.answers.isEmpty ? nil : details.answers[index])
        }
        return (report, predictions)
    }
}
