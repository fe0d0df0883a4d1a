import Checkpoints
import Tensors

/// What a block's forward pass computes on its way, in an arena.
///
/// A frozen block's arena is reset at once, so that nothing is kept for it. A trainable block's arena lives until its
/// W pass. Shapes: T tokens, D width, F feed-forward width, H heads, R rank.
public struct LlamaBlockActivations: Sendable {
    let input_TD: Matrix
    let inputScale_T: Matrix
    let attentionInput_TD: Matrix
    /// Queries, keys and values after rotation, in the order of `LlamaBlockWeights.queryKeyValue`.
    let queryKeyValue: Matrix
    let logNormaliser_TH: Matrix
    let attended: Matrix
    let middle_TD: Matrix
    let middleScale_T: Matrix
    let feedForwardInput_TD: Matrix
    let gateUp_T2F: Matrix
    let hidden_TF: Matrix
    /// Ax of each target, side by side: [T, 7R].
    let projected: Matrix

    init(_ model: Hyperparameters, tokens: Int, rank: Int, arena: Arena) {
        let queryWidth = model.heads * model.headDimension
        input_TD = arena.matrix(rows: tokens, columns: model.width)
        inputScale_T = arena.matrix(rows: 1, columns: tokens)
        attentionInput_TD = arena.matrix(rows: tokens, columns: model.width)
        queryKeyValue = arena.matrix(
            rows: tokens, columns: queryWidth + 2 * model.keyValueHeads * model.headDimension)
        logNormaliser_TH = arena.matrix(rows: tokens, columns: model.heads)
        attended = arena.matrix(rows: tokens, columns: queryWidth)
        middle_TD = arena.matrix(rows: tokens, columns: model.width)
        middleScale_T = arena.matrix(rows: 1, columns: tokens)
        feedForwardInput_TD = arena.matrix(rows: tokens, columns: model.width)
        gateUp_T2F = arena.matrix(rows: tokens, columns: 2 * model.feedForwardWidth)
        hidden_TF = arena.matrix(rows: tokens, columns: model.feedForwardWidth)
        projected = arena.matrix(rows: tokens, columns: AdapterTarget.allCases.count * rank)
    }
}

/// What a block's B pass leaves for its W pass: the gradient at each adapted layer's output, and Bᵀ of it.
public struct LlamaBlockGradients: Sendable {
    let queryKeyValue: Matrix
    let output_TD: Matrix
    let gateUp_T2F: Matrix
    let down_TD: Matrix
    /// scale · Bᵀg of each target, side by side: [T, 7R].
    let projected: Matrix

    init(like activations: LlamaBlockActivations, arena: Arena) {
        func matrix(like other: Matrix) -> Matrix { arena.matrix(rows: other.rows, columns: other.columns) }
        queryKeyValue = matrix(like: activations.queryKeyValue)
        output_TD = matrix(like: activations.input_TD)
        gateUp_T2F = matrix(like: activations.gateUp_T2F)
        down_TD = matrix(like: activations.input_TD)
        projected = matrix(like: activations.projected)
    }
}
