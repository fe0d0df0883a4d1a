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
        })
}
