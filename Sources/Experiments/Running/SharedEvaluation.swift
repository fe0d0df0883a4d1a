import Datasets
import Methods
import Models
import Synchronization
import Tensors

/// What nobody trains on, for all runs that are compared: blocks that stay as they are run over it once for all runs, and so
/// does the untuned model.
public final class SharedEvaluation: Sendable {
    /// Examples of a score that is neither the first nor the last of a run; nil for all.
    let onTheWay: Int?
    private let model: LanguageModel
    private let head: OutputHead
    private let examples: [EncodedExample]
    private let pool: ComputePool
    private let sets = Mutex<[Int: EvaluationSet]>([:])
    private let first = Mutex<EvaluationSet.Score?>(nil)

    /// - Parameters:
    ///   - examples: at least one.
    ///   - onTheWay: how many of them are scored between a run's begin and its end; nil for all.
    ///   - pool: none of its jobs may run what is scored.
    public init(
        model: LanguageModel, head: OutputHead, examples: [EncodedExample], onTheWay: Int? = nil, pool: ComputePool
    ) {
        self.model = model
        self.head = head
        self.examples = examples
        self.onTheWay = onTheWay
        self.pool = pool
    }

    /// The examples behind some frozen blocks.
    ///
    /// - Throws: what the model throws for a token outside the vocabulary.
    func set(frozenBlocks: Int) throws -> EvaluationSet {
        try sets.withLock { sets in
            if let known = sets[frozenBlocks] { return known }
            let set = try EvaluationSet(
                model: model, head: head, examples: examples, frozenBlocks: frozenBlocks, pool: pool)
            sets[frozenBlocks] = set
            return set
        }
    }

    /// What training begins with, scored once where nothing in it is drawn by a run's seed but adapters, which begin as if
    /// they were not there.
    func untuned(_ parameters: TrainableParameters, in set: EvaluationSet) throws -> EvaluationSet.Score {
        guard parameters.layout.classes == nil else { return try set.score(parameters) }
        return try first.withLock { first in
            if let first { return first }
            let score = try set.score(nil)
            first = score
            return score
        }
    }
}
