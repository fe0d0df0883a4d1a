import Models
import Tensors

/// Continues token sequences with a model, each new token at the cost of one row.
public struct TextGenerator: Sendable {
    private let model: LanguageModel
    private let parameters: TrainableParameters?
    private let head: OutputHead

    /// - Parameters:
    ///   - parameters: what was trained; nil for the model as it is.
    ///   - head: over the whole vocabulary.
    public init(model: LanguageModel, parameters: TrainableParameters?, head: OutputHead) {
        self.model = model
        self.parameters = parameters
        self.head = head
    }

    /// Floats that the largest call of `generate` takes: the cache, and the prompts' pass through one block, whose attention
    /// sees no more than the prompts, or all logits.
    public static func floats(
        _ layout: TrainableLayout, promptLengths: [Int], maximumTokens: Int, outputs: Int
    ) -> Int {
        let model = layout.model, tokens = promptLengths.reduce(0, +)
        let capacity = (promptLengths.max() ?? 0) + maximumTokens
        return KeyValueCache.floats(model, sequences: promptLengths.count, capacity: capacity)
            + tokens * model.width
            + max(
                DecoderBlock.passFloats(model, tokens: tokens, training: layout),
                OutputHead.lastLogitsFloats(model, sequences: promptLengths.count, outputs: outputs))
    }

    /// Continues sequences side by side, so that the weights are read once for all of them.
    ///
    /// - Parameters:
    ///   - prompts: tokens of each sequence, at least one.
    ///   - maximumTokens: the most new tokens of a sequence.
    ///   - firstSequence: the number of the first prompt, which its draws depend on.
    ///   - take: called with a prompt's place and its newest token; returns whether the sequence goes on.
    /// - Throws: what the model throws for a token outside the vocabulary, or `take`.
    public func generate(
        _ prompts: [[Int32]], maximumTokens: Int, sampling: Sampling = Sampling(), firstSequence: Int = 0,
        take: (_ prompt: Int, _ token: Int32) throws -> Bool
    ) throws {
        guard maximumTokens > 0, !prompts.isEmpty else { return }
        let longest = prompts.map(\.count).max() ?? 0
        let cache = KeyValueCache(
            model.hyperparameters, sequences: prompts.count, capacity: longest + maximumTokens)
        let scratch = Arena()
        var samplers = prompts.indices.map { TokenSampler(sampling, sequence: firstSequence + $0) }
        var tokens = prompts
        for _ in 0..<maximumTokens {
            let logits_SV = try model.nextTokenLogits(
                tokens, cache: cache, parameters: parameters, head: head, scratch: scratch)
            var going: [(sequence: Int, token: Int32)] = []
            for (place, sequence) in cache.active.enumerated() {
                let row = UnsafeBufferPointer(
                    start: logits_SV.rows(place..<place + 1).base, count: logits_SV.columns)
                let token = samplers[sequence].next(row)
                if try take(sequence, token) { going.append((sequence, token)) }
            }
            scratch.reset()
            guard !going.isEmpty else { return }
            cache.active = going.map(\.sequence)
            tokens = going.map { [$0.token] }
        }
    }
}
