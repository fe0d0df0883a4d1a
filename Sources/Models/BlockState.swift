import Checkpoints
import Tensors

/// What a block's forward pass computes on its way, in an arena.
///
/// Where a backward pass follows, what that reads lives until W: inputs of layers beside which nothing learns are not among
/// it. Where none follows, nothing is kept: what is behind attention lies over what was before it, and the stream is nowhere
/// copied.
/// Shapes: T tokens, N tokens whose output is read, D width, F feed-forward width, H heads, R rank.
public struct BlockActivations: Sendable {
    /// The stream itself where nothing is kept, as `middle_ND`.
    let input_TD: Matrix
    let inputStatistics: NormStatistics
    let attentionInput_TD: Matrix
    /// Queries, keys and values side by side, after rotation where the family rotates.
    let queryKeyValue: Matrix
    let logNormaliser_TH: Matrix
    let attended: Matrix
    /// The tokens that go on behind attention; nil for all.
    let rows: [Int]?
    /// Of these.
    let attendedRead: Matrix
    let middle_ND: Matrix
    let middleStatistics: NormStatistics
    let feedForwardInput_ND: Matrix
    /// The first product of the feed-forward layer: gate and up side by side, where there is a gate.
    let expanded: Matrix
    let hidden_NF: Matrix
    /// Ax of each adapted layer, side by side: [T, layers · R].
    private let projected: Matrix
    /// What learns, or has adapters that do; nil where nothing is kept.
    let learned: Set<JoinedLayer>?

    /// - Parameters:
    ///   - x_TD: the stream.
    ///   - learned: of B and W that follow; nil if none do.
    ///   - arena: holds what they read.
    ///   - scratch: holds the rest; may be `arena`.
    init(
        _ plan: BlockPlan, _ x_TD: Matrix, reading rows: [Int]?, projectedWidth: Int, learned: Set<JoinedLayer>?,
        arena: Arena, scratch: Arena
    ) {
        let model = plan.model, tokens = x_TD.rows, read = rows?.count ?? tokens, isKept = learned != nil
        self.rows = rows
        self.learned = learned
        inputStatistics = NormStatistics(model.normalisation, rows: tokens, arena: arena)
        middleStatistics = NormStatistics(model.normalisation, rows: read, arena: arena)
        projected = arena.matrix(rows: tokens, columns: projectedWidth)
        input_TD = isKept ? arena.matrix(rows: tokens, columns: model.width) : x_TD
        middle_ND = isKept ? arena.matrix(rows: read, columns: model.width) : x_TD.rows(0..<read)

        let shared = isKept ? nil : arena.matrix(rows: 1, columns: Self.passingFloats(plan, tokens: tokens, read: read))
        var before = Overlay(arena, shared), behind = Overlay(arena, shared)
        func input(_ layer: JoinedLayer, _ overlay: inout Overlay, _ rows: Int, _ columns: Int) -> Matrix {
            guard let learned, !learned.contains(layer) else { return overlay.matrix(rows: rows, columns: columns) }
            return scratch.matrix(rows: rows, columns: columns)
        }
        attentionInput_TD = input(.queryKeyValue, &before, tokens, model.width)
        queryKeyValue = before.matrix(rows: tokens, columns: plan.outputWidth(.queryKeyValue))
        logNormaliser_TH = before.matrix(rows: tokens, columns: model.heads)
        attended = before.matrix(rows: tokens, columns: model.queryWidth)
        attendedRead = rows == nil ? attended : input(.attentionOutput, &before, read, model.queryWidth)
        feedForwardInput_ND = input(.expansion, &behind, read, model.width)
        expanded = behind.matrix(rows: read, columns: model.expandedWidth)
        let isInPlace = !isKept && model.expandedWidth == model.feedForwardWidth
        hidden_NF = isInPlace ? expanded : input(.contraction, &behind, read, model.feedForwardWidth)
    }

    /// Floats that `init` takes of its arena where B and W follow, and of its scratch arena.
    ///
    /// - Parameter read: tokens that go on behind attention; nil for all.
    static func keptFloats(
        _ plan: BlockPlan, tokens: Int, read: Int?, projectedWidth: Int, learned: Set<JoinedLayer>
    ) -> (kept: Int, scratch: Int) {
        let model = plan.model, behind = read ?? tokens
        let stream = model.width + NormStatistics.floatsPerRow(model.normalisation)
        let attention = plan.outputWidth(.queryKeyValue) + model.heads + model.queryWidth
        let always = tokens * (stream + attention + projectedWidth) + behind * (stream + model.expandedWidth)
        let inputs = [
            JoinedLayer.queryKeyValue: tokens * model.width, .attentionOutput: read.map { $0 * model.queryWidth } ?? 0,
            .expansion: behind * model.width, .contraction: behind * model.feedForwardWidth,
        ]
        let kept = inputs.reduce(0) { $0 + (learned.contains($1.key) ? $1.value : 0) }
        return (always + kept, inputs.values.reduce(0, +) - kept)
    }

    /// Floats that `init` takes of its arena where nothing is kept of all tokens.
    static func passingFloats(_ plan: BlockPlan, tokens: Int, projectedWidth: Int) -> Int {
        passingFloats(plan, tokens: tokens, read: tokens)
            + tokens * (2 * NormStatistics.floatsPerRow(plan.model.normalisation) + projectedWidth)
    }

    /// Of what lies before attention, or over it behind.
    private static func passingFloats(_ plan: BlockPlan, tokens: Int, read: Int) -> Int {
        let model = plan.model
        let before = model.width + plan.outputWidth(.queryKeyValue) + model.heads + model.queryWidth
        let hidden = model.expandedWidth == model.feedForwardWidth ? 0 : model.feedForwardWidth
        return max(
            tokens * before + (read < tokens ? read * model.queryWidth : 0),
            read * (model.width + model.expandedWidth + hidden)) + Overlay.rounding
    }

    /// Remembers the stream where B follows.
    func keepInput(_ x_TD: Matrix) { if learned != nil { input_TD.copy(from: x_TD) } }

    /// Remembers it in the middle of the block.
    func keepMiddle(_ x_ND: Matrix) { if learned != nil { middle_ND.copy(from: x_ND) } }

    /// Leaves of the stream and of what was attended to the tokens that go on.
    ///
    /// - Returns: their part of the stream.
    func gatherRead(_ x_TD: Matrix) -> Matrix {
        guard let rows else { return x_TD }
        attendedRead.copy(rows, of: attended)
        x_TD.gather(rows)
        return x_TD.rows(0..<rows.count)
    }

    /// Ax of one adapter of a joined product.
    func projected(by columns: Range<Int>, of layer: JoinedLayer) -> Matrix {
        projected.columns(columns).rows(0..<input(of: layer).rows)
    }

    /// Ax of all adapters.
    var projectedWidth: Int { projected.columns }

    /// What a joined product reads.
    func input(of layer: JoinedLayer) -> Matrix {
        switch layer {
        case .queryKeyValue: attentionInput_TD
        case .attentionOutput: attendedRead
        case .expansion: feedForwardInput_ND
        case .contraction: hidden_NF
        }
    }
}

/// Matrices one after another, in an arena, or in memory that others lie in at other times.
private struct Overlay {
    /// The most that a few matrices are rounded up by.
    static let rounding = 16 * 8

    private let arena: Arena
    private let shared: Matrix?
    private var used = 0

    init(_ arena: Arena, _ shared: Matrix?) {
        self.arena = arena
        self.shared = shared
    }

    mutating func matrix(rows: Int, columns: Int) -> Matrix {
        guard let shared else { return arena.matrix(rows: rows, columns: columns) }
        defer { used += (rows * columns + 15) & ~15 }
        return shared.part(rows: rows, columns: columns, at: used)
    }
}

/// What a block's B pass leaves for its W pass: the gradient at the output of each joined product beside which something
/// learns, Bᵀ of it for each adapted layer, and, where the norms train, the gradient at their outputs.
public struct BlockGradients: Sendable {
    private let outputs: [Matrix]
    /// scale · Bᵀg of each adapted layer, side by side: [T, layers · R].
    private let projected: Matrix
    /// Scratch memory when the norms are frozen.
    let attentionNorm_TD: Matrix
    let feedForwardNorm_ND: Matrix

    /// - Parameters:
    ///   - kept: of F.
    ///   - gradient_ND: at the block's output, on its way down.
    ///   - arena: lives until W.
    ///   - scratch: is reset after B.
    ///   - trainsNorms: whether W reads the gradients at their outputs.
    init(
        _ plan: BlockPlan, _ kept: BlockActivations, _ gradient_ND: Matrix, arena: Arena, scratch: Arena,
        trainsNorms: Bool
    ) {
        let tokens = kept.input_TD.rows, normArena = trainsNorms ? arena : scratch
        outputs = JoinedLayer.allCases.map { layer in
            let isLearned = kept.learned?.contains(layer) ?? false
            // What flows down the residuals is the gradient at these outputs as well.
            if !isLearned, layer == .attentionOutput || layer == .contraction { return gradient_ND }
            return (isLearned ? arena : scratch)
                .matrix(rows: kept.input(of: layer).rows, columns: plan.outputWidth(layer))
        }
        projected = arena.matrix(rows: tokens, columns: kept.projectedWidth)
        attentionNorm_TD = normArena.matrix(rows: tokens, columns: plan.model.width)
        feedForwardNorm_ND = normArena.matrix(rows: kept.middle_ND.rows, columns: plan.model.width)
    }

    /// Floats that `init` takes of its arena, and of its scratch arena.
    ///
    /// - Parameter read: tokens that go on behind attention; nil for all.
    static func floats(
        _ plan: BlockPlan, tokens: Int, read: Int?, projectedWidth: Int, learned: Set<JoinedLayer>, trainsNorms: Bool
    ) -> (kept: Int, scratch: Int) {
        let norms = (tokens + (read ?? tokens)) * plan.model.width
        var kept = tokens * projectedWidth + (trainsNorms ? norms : 0), scratch = trainsNorms ? 0 : norms
        for layer in JoinedLayer.allCases {
            let floats = (layer == .queryKeyValue ? tokens : read ?? tokens) * plan.outputWidth(layer)
            if learned.contains(layer) {
                kept += floats
            } else if layer == .queryKeyValue || layer == .expansion {
                scratch += floats
            }
        }
        return (kept, scratch)
    }

    subscript(layer: JoinedLayer) -> Matrix { outputs[layer.rawValue] }

    /// Remembers the gradient on its way down as that at the output of a layer beside which something learns.
    func keep(_ gradient_ND: Matrix, at layer: JoinedLayer, of kept: BlockActivations) {
        if kept.learned?.contains(layer) ?? false { self[layer].copy(from: gradient_ND) }
    }

    /// scale · Bᵀg of one adapter of a joined product.
    func projected(by columns: Range<Int>, of layer: JoinedLayer) -> Matrix {
        projected.columns(columns).rows(0..<self[layer].rows)
    }
}
