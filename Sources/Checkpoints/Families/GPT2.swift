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
        })
}
