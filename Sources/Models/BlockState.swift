import Checkpoints
import Tensors

/// What a block's forward pass computes on its way, in an arena.
///
/// A frozen block's arena is reset at once, so that nothing is kept for it. A trainable block's arena lives until its
/// W pass. Shapes: T tokens, D width, F feed-forward width, H heads, R rank, N adapted layers.
public struct BlockActivations: Sendable {
    let input_TD: Matrix
    let inputStatistics: NormStatistics
    let attentionInput_TD: Matrix
    /// Queries, keys and values side by side, after rotation where the family rotates.
    let queryKeyValue: Matrix
    let logNormaliser_TH: Matrix
    let attended: Matrix
    let middle_TD: Matrix
    let middleStatistics: NormStatistics
    let feedForwardInput_TD: Matrix
    /// The first product of the feed-forward layer: gate and up side by side, where there is a gate.
    let expanded: Matrix
    let hidden_TF: Matrix
    /// Ax of each adapted layer, side by side: [T, N · R].
    let projected: Matrix

    init(_ plan: BlockPlan, tokens: Int, projectedWidth: Int, arena: Arena) {
        let model = plan.model
        func matrix(_ columns: Int) -> Matrix { arena.matrix(rows: tokens, columns: columns) }
        input_TD = matrix(model.width)
        inputStatistics = NormStatistics(model.normalisation, rows: tokens, arena: arena)
        attentionInput_TD = matrix(model.width)
        queryKeyValue = matrix(plan.outputWidth(.queryKeyValue))
        logNormaliser_TH = matrix(model.heads)
        attended = matrix(model.queryWidth)
        middle_TD = matrix(model.width)
        middleStatistics = NormStatistics(model.normalisation, rows: tokens, arena: arena)
        feedForwardInput_TD = matrix(model.width)
        expanded = matrix(model.expandedWidth)
        hidden_TF = matrix(model.feedForwardWidth)
        projected = matrix(projectedWidth)
    }

    /// Floats of one token: the columns of all matrices that `init` takes of its arena.
    static func floatsPerToken(_ plan: BlockPlan, projectedWidth: Int) -> Int {
        let model = plan.model
        let stream = 4 * model.width + 2 * NormStatistics.floatsPerRow(model.normalisation)
        let attention = plan.outputWidth(.queryKeyValue) + model.heads + model.queryWidth
        return stream + attention + model.expandedWidth + model.feedForwardWidth + projectedWidth
    }

    /// What a joined product reads.
    func input(of layer: JoinedLayer) -> Matrix {
        switch layer {
        case .queryKeyValue: attentionInput_TD
        case .attentionOutput: attended
        case .expansion: feedForwardInput_TD
        case .contraction: hidden_TF
        }
    }
}

/// What a block's B pass leaves for its W pass: the gradient at each joined product's output, Bᵀ of it for each adapted
/// layer, and, where the norms train, the gradient at their outputs.
public struct BlockGradients: Sendable {
    private let outputs: [Matrix]
    /// scale · Bᵀg of each adapted layer, side by side: [T, N · R].
    let projected: Matrix
    /// Scratch memory when the norms are frozen.
    let attentionNorm_TD: Matrix
    let feedForwardNorm_TD: Matrix

    /// - Parameters:
    ///   - arena: lives until W.
    ///   - normArena: `arena` when the norms train, or else one that is reset after B.
    init(_ plan: BlockPlan, tokens: Int, projectedWidth: Int, arena: Arena, normArena: Arena) {
        outputs = JoinedLayer.allCases.map { arena.matrix(rows: tokens, columns: plan.outputWidth($0)) }
        projected = arena.matrix(rows: tokens, columns: projectedWidth)
        attentionNorm_TD = normArena.matrix(rows: tokens, columns: plan.model.width)
        feedForwardNorm_TD = normArena.matrix(rows: tokens, columns: plan.model.width)
    }

    /// Floats of one token: the columns of all matrices that `init` takes of its two arenas.
    static func floatsPerToken(_ plan: BlockPlan, projectedWidth: Int) -> Int {
        JoinedLayer.allCases.reduce(0) { $0 + plan.outputWidth($1) } + projectedWidth + 2 * plan.model.width
    }

    subscript(layer: JoinedLayer) -> Matrix { outputs[layer.rawValue] }
}
