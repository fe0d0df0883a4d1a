extension ModelFamily {
    /// GPT-2 (Radford et al., 2019): queries, keys and values come out of one layer, and files store every linear layer
    /// as [in, out].
    public static let gpt2 = ModelFamily(
        name: "gpt2",
        names: TensorNames(
            embedding: "transformer.wte", positions: "transformer.wpe", finalNorm: "transformer.ln_f", head: "lm_head",
            blocks: "transformer.h.", attentionNorm: "ln_1", feedForwardNorm: "ln_2"),
        linears: { sizes in
            let width = sizes.width, feedForward = sizes.feedForwardWidth
            func site(_ target: String, _ module: String, _ layer: JoinedLayer, _ inputs: Int, _ outputs: Int)
                -> LinearSite
            {
                LinearSite(target, module, layer, inputs: inputs, outputs: 0..<outputs, isStoredTransposed: true)
            }
            return [
                site("c_attn", "attn.c_attn", .queryKeyValue, width, 3 * width),
                site("c_proj", "attn.c_proj", .attentionOutput, width, width),
                site("c_fc", "mlp.c_fc", .expansion, width, feedForward),
                site("c_proj", "mlp.c_proj", .contraction, feedForward, width),
            ]
        },
        // The causal mask, which early versions of transformers stored with every block.
        ignoredTensors: [".attn.bias", ".attn.masked_bias"],
        hyperparameters: gpt2Hyperparameters, configuration: gpt2Configuration)
}

private func gpt2Hyperparameters(_ file: HubConfiguration) throws -> Hyperparameters {
    try file.expect("scale_attn_weights", true)
    try file.expect("scale_attn_by_inverse_layer_idx", false)
    try file.expect("add_cross_attention", false)
    try file.expect("activation_function", oneOf: ["gelu_new", "gelu_pytorch_tanh"])
    let width = try file.integer("n_embd"), heads = try file.integer("n_head")
    guard heads > 0, width % heads == 0, (1...1 << 17).contains(width) else {
        throw HubError.malformed(file: file.file, reason: "a width of \(width) cannot be shared by \(heads) heads")
    }
    let layers = try file.integer("n_layer"), feedForward = try file.integer("n_inner", default: 4 * width)
    let vocabulary = try file.integer("vocab_size"), context = try file.integer("n_positions")
    let epsilon = try file.number("layer_norm_epsilon", default: 1e-5)
    let tied = try file.flag("tie_word_embeddings", default: true)
    return try file.checked { () throws(HyperparameterError) in
        try Hyperparameters(
            family: .gpt2, layers: layers, width: width, feedForwardWidth: feedForward, heads: heads,
            keyValueHeads: heads, headDimension: width / heads, vocabularySize: vocabulary, contextLength: context,
            positions: .learned(offset: 0), normalisation: .layer, normEpsilon: Float(epsilon), activation: .gelu,
            hasBiases: true, tiedEmbeddings: tied)
    }
}

private func gpt2Configuration(_ sizes: Hyperparameters) -> [String: ConfigurationValue] {
    [
        "architectures": .list([.text("GPT2LMHeadModel")]), "n_embd": .integer(sizes.width),
        "n_inner": .integer(sizes.feedForwardWidth), "n_layer": .integer(sizes.layers), "n_head": .integer(sizes.heads),
        "n_positions": .integer(sizes.contextLength), "layer_norm_epsilon": .number(shortest(sizes.normEpsilon)),
        "activation_function": .text("gelu_new"),
    ]
}
