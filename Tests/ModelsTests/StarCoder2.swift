@testable import Checkpoints

extension ModelFamily {
    /// StarCoder2 (Lozhkov et al., 2024), on sequences that its sliding window holds as a whole.
    static let starCoder2 = ModelFamily(
        name: "starcoder2",
        names: TensorNames(
            embedding: "model.embed_tokens", positions: nil, finalNorm: "model.norm", head: "lm_head",
            blocks: "model.layers.", attentionNorm: "input_layernorm", feedForwardNorm: "post_attention_layernorm"),
        linears: { sizes in
            let width = sizes.width, feedForward = sizes.feedForwardWidth
            let query = sizes.queryWidth, key = sizes.keyWidth
            return [
                LinearSite("q", "self_attn.q_proj", .queryKeyValue, inputs: width, outputs: 0..<query),
                LinearSite("k", "self_attn.k_proj", .queryKeyValue, inputs: width, outputs: query..<query + key),
                LinearSite(
                    "v", "self_attn.v_proj", .queryKeyValue, inputs: width, outputs: query + key..<query + 2 * key),
                LinearSite("o", "self_attn.o_proj", .attentionOutput, inputs: query, outputs: 0..<width),
                LinearSite("c_fc", "mlp.c_fc", .expansion, inputs: width, outputs: 0..<feedForward),
                LinearSite("c_proj", "mlp.c_proj", .contraction, inputs: feedForward, outputs: 0..<width),
            ]
        },
        ignoredTensors: [".rotary_emb.inv_freq"],
        hyperparameters: starCoder2Hyperparameters, configuration: starCoder2Configuration)
}

private func starCoder2Hyperparameters(_ file: HubConfiguration) throws -> Hyperparameters {
    try file.expect("use_bias", true)
    try file.expect("hidden_act", oneOf: ["gelu_pytorch_tanh", "gelu_new"])
    let width = try file.integer("hidden_size"), heads = try file.integer("num_attention_heads")
    let headDimension = try file.integer("head_dim", default: heads > 0 ? width / heads : 0)
    let positions = try file.rotaryPositions(headDimension: headDimension)
    let layers = try file.integer("num_hidden_layers"), feedForward = try file.integer("intermediate_size")
    let keyValueHeads = try file.integer("num_key_value_heads", default: heads)
    let vocabulary = try file.integer("vocab_size"), longest = try file.integer("max_position_embeddings")
    // A sequence no longer than the window never meets its edge.
    let context = min(longest, try file.integer("sliding_window", default: longest))
    let epsilon = try file.number("norm_epsilon", default: 1e-5)
    let tied = try file.flag("tie_word_embeddings", default: true)
    return try file.checked { () throws(HyperparameterError) in
        try Hyperparameters(
            family: .starCoder2, layers: layers, width: width, feedForwardWidth: feedForward, heads: heads,
            keyValueHeads: keyValueHeads, headDimension: headDimension, vocabularySize: vocabulary,
            contextLength: context, positions: positions, normalisation: .layer, normEpsilon: Float(epsilon),
            activation: .gelu, hasBiases: true, tiedEmbeddings: tied)
    }
}

private func starCoder2Configuration(_ sizes: Hyperparameters) throws -> [String: ConfigurationValue] {
    let rotation = try sizes.positions.rotaryConfiguration(headDimension: sizes.headDimension)
    return rotation.merging([
        "architectures": .list([.text("Starcoder2ForCausalLM")]), "hidden_size": .integer(sizes.width),
        "intermediate_size": .integer(sizes.feedForwardWidth), "num_hidden_layers": .integer(sizes.layers),
        "num_attention_heads": .integer(sizes.heads), "num_key_value_heads": .integer(sizes.keyValueHeads),
        "head_dim": .integer(sizes.headDimension), "max_position_embeddings": .integer(sizes.contextLength),
        "sliding_window": .integer(sizes.contextLength), "norm_epsilon": .number(shortest(sizes.normEpsilon)),
        "hidden_act": .text("gelu_pytorch_tanh"), "use_bias": .flag(true),
    ]) { $1 }
}
