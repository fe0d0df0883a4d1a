extension ModelFamily {
    /// Llama (Touvron et al., 2023) and models of its architecture, such as SmolLM2.
    public static let llama = ModelFamily(
        name: "llama",
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
                LinearSite("gate", "mlp.gate_proj", .expansion, inputs: width, outputs: 0..<feedForward),
                LinearSite("up", "mlp.up_proj", .expansion, inputs: width, outputs: feedForward..<2 * feedForward),
                LinearSite("down", "mlp.down_proj", .contraction, inputs: feedForward, outputs: 0..<width),
            ]
        },
        ignoredTensors: [".rotary_emb.inv_freq"],
        hyperparameters: llamaHyperparameters, configuration: llamaConfiguration)
}

private func llamaHyperparameters(_ file: HubConfiguration) throws -> Hyperparameters {
    try file.expect("attention_bias", false)
    try file.expect("mlp_bias", false)
    try file.expect("hidden_act", oneOf: ["silu"])
    let width = try file.integer("hidden_size"), heads = try file.integer("num_attention_heads")
    let headDimension = try file.integer("head_dim", default: heads > 0 ? width / heads : 0)
    let positions = try file.rotaryPositions(headDimension: headDimension)
    let layers = try file.integer("num_hidden_layers"), feedForward = try file.integer("intermediate_size")
    let keyValueHeads = try file.integer("num_key_value_heads", default: heads)
    let vocabulary = try file.integer("vocab_size"), context = try file.integer("max_position_embeddings")
    let epsilon = try file.number("rms_norm_eps"), tied = try file.flag("tie_word_embeddings", default: false)
    return try file.checked { () throws(HyperparameterError) in
        try Hyperparameters(
            family: .llama, layers: layers, width: width, feedForwardWidth: feedForward, heads: heads,
            keyValueHeads: keyValueHeads, headDimension: headDimension, vocabularySize: vocabulary,
            contextLength: context, positions: positions, normalisation: .rootMeanSquare, normEpsilon: Float(epsilon),
            activation: .swiglu, hasBiases: false, tiedEmbeddings: tied)
    }
}

private func llamaConfiguration(_ sizes: Hyperparameters) throws -> [String: ConfigurationValue] {
    let rotation = try sizes.positions.rotaryConfiguration(headDimension: sizes.headDimension)
    return rotation.merging([
        "architectures": .list([.text("LlamaForCausalLM")]), "hidden_size": .integer(sizes.width),
        "intermediate_size": .integer(sizes.feedForwardWidth), "num_hidden_layers": .integer(sizes.layers),
        "num_attention_heads": .integer(sizes.heads), "num_key_value_heads": .integer(sizes.keyValueHeads),
        "head_dim": .integer(sizes.headDimension), "max_position_embeddings": .integer(sizes.contextLength),
        "rms_norm_eps": .number(shortest(sizes.normEpsilon)), "hidden_act": .text("silu"),
        "attention_bias": .flag(false), "mlp_bias": .flag(false),
    ]) { $1 }
}
