import Checkpoints
import Foundation
import Methods
import Models
import Support
import Tensors
import Tokenizers

/// The fetched model and its tokenizer, loaded once for all tests.
struct RealModel: Sendable {
    static let shared = Result { try RealModel() }

    let tokenizer: ByteLevelBPE
    private let model: LanguageModel

    private init() throws {
        let source = try GGUFModel(Fixtures.model)
        tokenizer = try ByteLevelBPE(source.file.tokenizerMetadata())
        model = try LanguageModel(source: source, maximumTokens: 256)
    }

    /// exp of the mean negative log-likelihood of each text's tokens but the first.
    func perplexities(_ texts: [[Int32]]) throws -> [Double] {
        let head = try OutputHead(languageModel: model)
        return try texts.map { tokens in
            let inputs = Array(tokens.dropLast())
            let layout = SequenceLayout(lengths: [inputs.count])
            let stream = Storage(count: layout.tokens * model.hyperparameters.width)
            let x_TD = stream.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
            try model.embed(inputs, layout: layout, into: x_TD)
            model.forward(0..<model.hyperparameters.layers, x_TD, layout: layout, scratch: Arena())
            let output = head.forward(
                x_TD, targets: Array(tokens.dropFirst()), parameters: nil, needsGradient: false, arena: Arena(),
                scratch: Arena())
            return exp(output.lossSum / Double(inputs.count))
        }
    }

    /// The likeliest next token, again and again.
    func greedyContinuations(of prompts: [[Int32]], count: Int) throws -> [[Int32]] {
        let generator = TextGenerator(
            model: model, parameters: nil, head: try OutputHead(languageModel: model))
        var tokens = prompts.map { _ in [Int32]() }
        try generator.generate(prompts, maximumTokens: count) { prompt, token in
            tokens[prompt].append(token)
            return true
        }
        return tokens
    }
}
