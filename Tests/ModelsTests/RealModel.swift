import Checkpoints
import Foundation
import Models
import Support
import Tensors
import Tokenizers

/// The fetched model and its tokenizer, loaded once for all tests.
struct RealModel: Sendable {
    static let shared = Result { try RealModel() }

    let tokenizer: ByteLevelBPE
    private let model: LlamaModel

    private init() throws {
        let source = try GGUFModel(Fixtures.model)
        tokenizer = try ByteLevelBPE(source.file.tokenizerMetadata())
        model = try LlamaModel(source: source, maximumTokens: 256)
    }

    /// exp of the mean negative log-likelihood of each text's tokens but the first. The head is read once for all.
    func perplexities(_ texts: [[Int32]]) throws -> [Double] {
        let layout = SequenceLayout(lengths: texts.map(\.count))
        let stream = try lastBlockOutput(texts, layout)
        let logits = try model.vocabularyLogits(
            stream.matrix(rows: layout.tokens, columns: model.hyperparameters.width))
        return texts.enumerated().map { index, tokens in
            let rows = layout.rows(of: index)
            let sum = zip(rows, tokens.dropFirst()).reduce(0.0) {
                $0 + negativeLogLikelihood(of: Int($1.1), logits.rows($1.0..<$1.0 + 1))
            }
            return exp(sum / Double(tokens.count - 1))
        }
    }

    /// The likeliest next token, again and again, without a cache.
    func greedyContinuation(of prompt: [Int32], count: Int) throws -> [Int32] {
        var tokens = prompt
        // All words are label words: the head is read once, not once per token.
        let head = try VerbalizerHead(
            model: model, labelTokens: Array(0..<model.hyperparameters.vocabularySize))
        for _ in 0..<count {
            let layout = SequenceLayout(lengths: [tokens.count])
            let stream = try lastBlockOutput([tokens], layout)
            let output = head.forward(
                stream.matrix(rows: layout.tokens, columns: model.hyperparameters.width), layout: layout,
                arena: Arena())
            tokens.append(Int32(output.predictions[0]))
        }
        return Array(tokens[prompt.count...])
    }

    private func lastBlockOutput(_ texts: [[Int32]], _ layout: SequenceLayout) throws -> Storage {
        let stream = Storage(count: layout.tokens * model.hyperparameters.width)
        let x_TD = stream.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
        try model.embed(texts.flatMap { $0 }, into: x_TD)
        model.forwardFrozen(0..<model.blocks.count, x_TD, layout: layout, scratch: Arena())
        return stream
    }

    private func negativeLogLikelihood(of token: Int, _ logits: Matrix) -> Double {
        let row = UnsafeBufferPointer(start: logits.base, count: logits.columns)
        let largest = Double(row.max() ?? 0)
        return largest + log(row.reduce(0) { $0 + exp(Double($1) - largest) }) - Double(row[token])
    }
}
