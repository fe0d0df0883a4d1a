import Datasets
import Methods
import Models
import Recipes
import Synchronization
import Tensors
import Tokenizers

/// A recipe's test examples, to be scored again and again with changing parameters.
struct Scorer: Sendable {
    /// Prompts that are continued side by side in one job of the pool.
    private static let promptsPerJob = 16

    let set: EvaluationSet
    private let recipe: Recipe
    private let model: LanguageModel
    private let head: OutputHead
    private let data: PreparedData
    private let tokenizer: ByteLevelBPE
    private let pool: ComputePool

    /// How far the scoring is, for whoever shows it; what it throws ends the work.
    typealias Progress = @Sendable (_ done: Int, _ of: Int) throws -> Void

    /// Runs the blocks below `frozenBlocks` over all examples, once.
    ///
    /// - Throws: what `progress` throws, or the model for a token outside the vocabulary.
    init(
        _ recipe: Recipe, prepared: PreparedModel, data: PreparedData, head: OutputHead, frozenBlocks: Int,
        pool: ComputePool, progress: @escaping Progress
    ) throws {
        self.recipe = recipe
        self.head = head
        self.data = data
        self.pool = pool
        model = prepared.model
        tokenizer = prepared.tokenizer
        set = try EvaluationSet(
            model: prepared.model, head: head, examples: data.test, frozenBlocks: frozenBlocks, pool: pool,
            progress: progress)
    }

    /// A score with what it was made of, example by example.
    struct Details: Sendable {
        let score: RunScore
        /// Logits of the classes; empty for a language model.
        let logits: [[Float]]
        /// Generated answers; empty when nothing was generated.
        let answers: [String]
    }

    /// Scores all examples. Must not be called from a job of the pool.
    ///
    /// - Parameters:
    ///   - parameters: nil for the model as it is.
    ///   - progress: of generation, the longest part.
    /// - Throws: what `progress` throws.
    func score(_ parameters: TrainableParameters?, progress: @escaping Progress) throws -> Details {
        let score = try set.score(parameters)
        guard recipe.evaluation.generateTokens > 0 else {
            return Details(
                score: RunScore(score, samples: data.test.count, exactMatch: nil), logits: score.logits, answers: [])
        }
        let answers = try generate(parameters, progress: progress)
        let right = zip(answers, data.testAnswers).count {
            FinalAnswer.agrees($0, with: $1, marker: recipe.evaluation.answerMarker)
        }
        let exactMatch = Double(right) / Double(max(1, answers.count))
        return Details(
            score: RunScore(score, samples: data.test.count, exactMatch: exactMatch), logits: [], answers: answers)
    }

    /// The prompts of each job. Prompts of like length end their work together.
    static func jobs(_ lengths: [Int]) -> [[Int]] {
        Batches.cut(
            lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }, size: promptsPerJob)
    }

    private func generate(_ parameters: TrainableParameters?, progress: @escaping Progress) throws -> [String] {
        let generator = TextGenerator(model: model, parameters: parameters, head: head)
        let prompts = data.testPrompts
        let groups = Self.jobs(prompts.map(\.count))
        let done = Atomic(0)
        let generated = try pool.map(groups.count) { index in
            let group = groups[index]
            var answers = group.map { _ in [Int32]() }
            try generator.generate(
                group.map { prompts[$0] }, maximumTokens: recipe.evaluation.generateTokens
            ) { place, token in
                guard token != data.task.endToken else { return false }
                answers[place].append(token)
                return true
            }
            try progress(done.add(group.count, ordering: .relaxed).newValue, prompts.count)
            return answers
        }
        var texts = prompts.map { _ in "" }
        for (group, answers) in zip(groups, generated) {
            for (prompt, tokens) in zip(group, answers) { texts[prompt] = tokenizer.decode(tokens) }
        }
        return texts
    }
}
