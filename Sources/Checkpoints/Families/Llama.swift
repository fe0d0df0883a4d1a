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
        })
}
