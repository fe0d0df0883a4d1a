/// A tensor of a Llama model: its hub name, its name in GGUF files, and its dimensions, outermost first.
struct LlamaTensor {
    let hubName: String
    let fileName: String
    let shape: [Int]
    /// Heads whose rows the file stores in its own rotary order, or nil when rows stand as on the hub.
    var interleavedHeads: Int?

    /// Where a hub row lies in the file.
    ///
    /// The hub pairs row i of a head with row i + half for the rotation. The file stores such a pair side by side:
    /// [heads, half, 2] instead of [heads, 2, half].
    func fileRow(_ hubRow: Int) -> Int {
        guard let interleavedHeads else { return hubRow }
        let headRows = shape[0] / interleavedHeads
        let half = headRows / 2
        let (head, row) = hubRow.quotientAndRemainder(dividingBy: headRows)
        return head * headRows + 2 * (row % half) + row / half
    }
}

/// All tensors that a Llama model of these sizes has.
func llamaTensors(_ sizes: Hyperparameters) -> [LlamaTensor] {
    let width = sizes.width
    let queries = sizes.heads * sizes.headDimension
    let keys = sizes.keyValueHeads * sizes.headDimension
    var tensors = [
        LlamaTensor(
            hubName: "model.embed_tokens.weight", fileName: "token_embd.weight",
            shape: [sizes.vocabularySize, width]),
        LlamaTensor(hubName: "model.norm.weight", fileName: "output_norm.weight", shape: [width]),
    ]
    if !sizes.tiedEmbeddings {
        tensors.append(
            LlamaTensor(
                hubName: "lm_head.weight", fileName: "output.weight", shape: [sizes.vocabularySize, width]))
    }
    for layer in 0..<sizes.layers {
        let parts: [(hub: String, file: String, shape: [Int], heads: Int?)] = [
            ("input_layernorm", "attn_norm", [width], nil),
            ("self_attn.q_proj", "attn_q", [queries, width], sizes.heads),
            ("self_attn.k_proj", "attn_k", [keys, width], sizes.keyValueHeads),
            ("self_attn.v_proj", "attn_v", [keys, width], nil),
            ("self_attn.o_proj", "attn_output", [width, queries], nil),
            ("post_attention_layernorm", "ffn_norm", [width], nil),
            ("mlp.gate_proj", "ffn_gate", [sizes.feedForwardWidth, width], nil),
            ("mlp.up_proj", "ffn_up", [sizes.feedForwardWidth, width], nil),
            ("mlp.down_proj", "ffn_down", [width, sizes.feedForwardWidth], nil),
        ]
        tensors += parts.map { part in
            LlamaTensor(
                hubName: "model.layers.\(layer).\(part.hub).weight", fileName: "blk.\(layer).\(part.file).weight",
                shape: part.shape, interleavedHeads: part.heads)
        }
    }
    return tensors
}
