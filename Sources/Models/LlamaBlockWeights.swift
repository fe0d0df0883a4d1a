import Checkpoints
import Tensors

/// The frozen weights of one Llama block, with linear layers that read the same input joined into one matrix.
///
/// Shapes: D width, Q and K the widths of all query heads and of all key heads, F feed-forward width.
struct LlamaBlockWeights: Sendable {
    /// Query, key and value rows, in this order: [Q + 2K, D].
    let queryKeyValue: Matrix
    /// [D, Q].
    let output: Matrix
    /// Gate rows, then up rows: [2F, D].
    let gateUp: Matrix
    /// [D, F].
    let down: Matrix
    let attentionNorm_D: Matrix
    let feedForwardNorm_D: Matrix

    /// Copies, and if need be dequantises, the block's tensors.
    ///
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    init(_ model: Hyperparameters, block: Int, source: any ModelSource) throws {
        let width = model.width, feedForward = model.feedForwardWidth
        let queryWidth = model.heads * model.headDimension
        let keyWidth = model.keyValueHeads * model.headDimension
        let counts = [
            (queryWidth + 2 * keyWidth) * width, width * queryWidth, 2 * feedForward * width, width * feedForward,
            width, width,
        ]
        let storage = Storage(count: counts.reduce(0, +))
        var next = 0
        func take(_ rows: Int, _ columns: Int) -> Matrix {
            defer { next += rows * columns }
            return storage.matrix(rows: rows, columns: columns, at: next)
        }
        queryKeyValue = take(queryWidth + 2 * keyWidth, width)
        output = take(width, queryWidth)
        gateUp = take(2 * feedForward, width)
        down = take(width, feedForward)
        attentionNorm_D = take(1, width)
        feedForwardNorm_D = take(1, width)

        let prefix = "model.layers.\(block)."
        func read(_ target: AdapterTarget, _ matrix: Matrix) throws {
            try source.read("\(prefix)\(target.modulePath).weight", into: matrix)
        }
        try read(.q, queryKeyValue.rows(0..<queryWidth))
        try read(.k, queryKeyValue.rows(queryWidth..<queryWidth + keyWidth))
        try read(.v, queryKeyValue.rows(queryWidth + keyWidth..<queryWidth + 2 * keyWidth))
        try read(.o, output)
        try read(.gate, gateUp.rows(0..<feedForward))
        try read(.up, gateUp.rows(feedForward..<2 * feedForward))
        try read(.down, down)
        try source.read("\(prefix)input_layernorm.weight", into: attentionNorm_D)
        try source.read("\(prefix)post_attention_layernorm.weight", into: feedForwardNorm_D)
    }
}
