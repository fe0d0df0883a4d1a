import Checkpoints
import Experiments

extension PassCosts {
    /// GPT-2 small with 64 tokens, and adapters of rank 8 beside the layer of queries, keys and values.
    static func smallGPT2() throws -> PassCosts {
        let model = try Hyperparameters(
            family: .gpt2, layers: 12, width: 768, feedForwardWidth: 3072, heads: 12, keyValueHeads: 12,
            headDimension: 64, vocabularySize: 50257, contextLength: 1024, positions: .learned(offset: 0),
            normalisation: .layer, normEpsilon: 1e-5, activation: .gelu, hasBiases: true, tiedEmbeddings: true)
        return PassCosts(model: model, tokens: 64, rank: 8, targets: ["c_attn"])
    }
}
