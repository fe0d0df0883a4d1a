extension ModelFamily {
    /// OPT (Zhang et al., 2022), the variants that normalise before each layer: all but the one of 350M parameters.
    public static let opt = ModelFamily(
        name: "opt",
        names: TensorNames(
            embedding: "model.decoder.embed_tokens", positions: "model.decoder.embed_positions",
            finalNorm: "model.decoder.final_layer_norm", head: "lm_head", blocks: "model.decoder.layers.",
            attentionNorm: "self_attn_layer_norm", feedForwardNorm: "final_layer_norm"),
        linears: { sizes in
            let width = sizes.width, feedForward = sizes.feedForwardWidth
            return [
                LinearSite("q", "self_attn.q_proj", .queryKeyValue, inputs: width, outputs: 0..<width),
                LinearSite("k", "self_attn.k_proj", .queryKeyValue, inputs: width, outputs: width..<2 * width),
                LinearSite("v", "self_attn.v_proj", .queryKeyValue, inputs: width, outputs: 2 * width..<3 * width),
                LinearSite("o", "self_attn.out_proj", .attentionOutput, inputs: width, outputs: 0..<width),
                LinearSite("fc1", "fc1", .expansion, inputs: width, outputs: 0..<feedForward),
                LinearSite("fc2", "fc2", .contraction, inputs: feedForward, outputs: 0..<width),
            ]
        },
        ignoredTensors: [],
        hyperparameters: optHyperparameters, configuration: optConfiguration)
}

private func optHyperparameters(_ file: HubConfiguration) throws -> Hyperparameters {
    let width = try file.integer("hidden_size"), heads = try file.integer("num_attention_heads")
    let variant = "OPT-350M's post-norm blocks and projections"
    try file.expect("do_layer_norm_before", true, variant)
    guard try file.integer("word_embed_proj_dim", default: width) == width else {
        throw HubError.unsupported(file: file.file, feature: variant)
    }
    try file.expect("enable_bias", true)
    try file.expect("layer_norm_elementwise_affine", true)
    try file.expect("_remove_final_layer_norm", false)
    try file.expect("activation_function", oneOf: ["relu"])
    guard heads > 0, width % heads == 0 else {
        throw HubError.malformed(file: file.file, reason: "a width of \(width) cannot be shared by \(heads) heads")
    }
    let layers = try file.integer("num_hidden_layers"), feedForward = try file.integer("ffn_dim")
    let vocabulary = try file.integer("vocab_size"), context = try file.integer("max_position_embeddings")
    let tied = try file.flag("tie_word_embeddings", default: true)
    return try file.checked { () throws(HyperparameterError) in
        try Hyperparameters(
            family: .opt, layers: layers, width: width, feedForwardWidth: feedForward, heads: heads,
            keyValueHeads: heads, headDimension: width / heads, vocabularySize: vocabulary, contextLength: context,
            positions: .learned(offset: 2), normalisation: .layer, normEpsilon: 1e-5, activation: .relu,
            hasBiases: true, tiedEmbeddings: tied)
    }
}

private func optConfiguration(_ sizes: Hyperparameters) -> [String: ConfigurationValue] {
    [
        "architectures": .list([.text("OPTForCausalLM")]), "hidden_size": .integer(sizes.width),
        "word_embed_proj_dim": .integer(sizes.width), "ffn_dim": .integer(sizes.feedForwardWidth),
        "num_hidden_layers": .integer(sizes.layers), "num_attention_heads": .integer(sizes.heads),
        "max_position_embeddings": .integer(sizes.contextLength), "activation_function": .text("relu"),
        "do_layer_norm_before": .flag(true), "enable_bias": .flag(true),
        "layer_norm_elementwise_affine": .flag(true), "_remove_final_layer_norm": .flag(false),
    ]
}
