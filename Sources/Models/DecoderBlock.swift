import Checkpoints
import Tensors

/// One block of a decoder-only model, whatever its family: attention, then a feed-forward layer, each behind a norm and
/// beside a residual.
///
/// Its three passes are all that anything above knows of a block. The backward pass is decomposed (arXiv 2401.10241):
/// `backwardInput` (B) gives the gradient of the input and leaves what `backwardWeights` (W) needs, which may run any
/// time later.
public struct DecoderBlock: Sendable {
    /// The block's place in the model, counted from 0.
    public let index: Int
    let plan: BlockPlan
    /// Frozen, or those in training.
    let weights: BlockWeights
    /// What trains, nil for a frozen block.
    let parameters: BlockParameters?
    /// Nil for a family whose positions are in the embedding.
    let angles: RotaryTable?
    let kernels: Kernels

    /// F: replaces `x_TD` by the block's output.
    ///
    /// - Parameters:
    ///   - dropout: which inputs of adapters to drop; nil outside training.
    ///   - arena: holds the activations that are returned; reset it at once when no backward pass follows.
    @discardableResult
    public func forward(
        _ x_TD: Matrix, layout: SequenceLayout, dropout: Dropout? = nil, arena: Arena
    ) -> BlockActivations {
        forward(x_TD, layout: layout, dropout: dropout, arena: arena) { kept in
            kernels.attention(
                q: plan.queries(kept.queryKeyValue), k: plan.keys(kept.queryKeyValue),
                v: plan.values(kept.queryKeyValue), into: kept.attended, logNormaliser_TH: kept.logNormaliser_TH,
                sequences: layout, shape: plan.attention)
        }
    }

    /// F of new tokens only: the keys and values of earlier ones are in a cache, to which the new ones are added.
    ///
    /// - Parameter layout: the new tokens, with positions that begin where the cached ones end.
    public func forward(_ x_TD: Matrix, layout: SequenceLayout, cache: KeyValueCache, arena: Arena) {
        _ = forward(x_TD, layout: layout, dropout: nil, arena: arena) { kept in
            for sequence in 0..<layout.count {
                let rows = layout.rows(of: sequence)
                let joined = kept.queryKeyValue.rows(rows)
                let entry = cache.append(
                    keys: plan.keys(joined), values: plan.values(joined), place: sequence, block: index)
                kernels.attentionCached(
                    q: plan.queries(joined), keys: entry.keys, values: entry.values, past: entry.past,
                    into: kept.attended.rows(rows), shape: plan.attention,
                    scratch: arena.matrix(rows: 1, columns: entry.past + rows.count))
            }
        }
    }

    /// Floats that F takes of its arena: the activations, and the input of one adapter where inputs are dropped.
    ///
    /// - Parameter layout: what trains in the block; nil for a frozen one.
    public static func forwardFloats(_ model: Hyperparameters, tokens: Int, training layout: TrainableLayout?) -> Int {
        let plan = BlockPlan(model)
        let kept = BlockActivations.floatsPerToken(plan, projectedWidth: layout?.projectedWidth ?? 0)
        return tokens * (kept + DroppedInput.floatsPerToken(plan, layout))
    }

    private func forward(
        _ x_TD: Matrix, layout: SequenceLayout, dropout: Dropout?, arena: Arena, attend: (BlockActivations) -> Void
    ) -> BlockActivations {
        let kept = BlockActivations(
            plan, tokens: layout.tokens, projectedWidth: parameters?.projectedWidth ?? 0, arena: arena)
        let dropped = DroppedInput(dropout, plan, tokens: layout.tokens, arena: arena, kernels: kernels)
        kept.input_TD.copy(from: x_TD)
        weights.attentionNorm.forward(
            x_TD, into: kept.attentionInput_TD, statistics: kept.inputStatistics, kernels: kernels)
        linear(.queryKeyValue, into: kept.queryKeyValue, kept, dropped)
        rotate(kept.queryKeyValue, layout, inverse: false)
        attend(kept)
        linear(.attentionOutput, into: x_TD, keep: 1, kept, dropped)

        kept.middle_TD.copy(from: x_TD)
        weights.feedForwardNorm.forward(
            x_TD, into: kept.feedForwardInput_TD, statistics: kept.middleStatistics, kernels: kernels)
        linear(.expansion, into: kept.expanded, kept, dropped)
        switch plan.model.activation {
        case .swiglu: kernels.swiglu(kept.expanded, into: kept.hidden_TF)
        case .gelu: kernels.gelu(kept.expanded, into: kept.hidden_TF)
        case .relu: kernels.relu(kept.expanded, into: kept.hidden_TF)
        }
        linear(.contraction, into: x_TD, keep: 1, kept, dropped)
        return kept
    }

    /// output = W x + b + keep · output, and the low-rank terms of the joined layers on top.
    private func linear(
        _ layer: JoinedLayer, into output: Matrix, keep: Float = 0, _ kept: BlockActivations, _ dropped: DroppedInput
    ) {
        let input = kept.input(of: layer)
        output.product(of: input, and: weights[layer].weight_OI, .transposed, keep: keep)
        if let bias_O = weights[layer].bias_O { kernels.addRow(bias_O, to: output) }
        for site in plan.sites(in: layer) {
            guard let adapter = parameters?.lowRank(site) else { continue }
            adapter.term.forward(
                dropped.input(input, block: index, site: site), addTo: output.columns(plan.sites[site].outputs),
                projected_TR: kept.projected.columns(adapter.projection))
        }
    }

    /// Queries and keys lie side by side, so that one call turns both.
    func rotate(_ queryKeyValue: Matrix, _ layout: SequenceLayout, inverse: Bool) {
        guard let angles else { return }
        let turned = plan.model.queryWidth + plan.model.keyWidth
        layout.positions.withUnsafeBufferPointer { positions in
            guard let positions = positions.baseAddress else { return }
            kernels.rotate(
                queryKeyValue.columns(0..<turned), headDimension: plan.model.headDimension, positions: positions,
                table: angles, inverse: inverse)
        }
    }
}

/// The inputs of adapters with some of them dropped, one at a time in the same memory.
struct DroppedInput {
    private let dropout: Dropout?
    private let memory: Matrix?
    private let kernels: Kernels

    init(_ dropout: Dropout?, _ plan: BlockPlan, tokens: Int, arena: Arena, kernels: Kernels) {
        self.dropout = dropout
        self.kernels = kernels
        let widest = JoinedLayer.allCases.map(plan.inputWidth).max() ?? 0
        memory = dropout.map { _ in arena.matrix(rows: tokens, columns: widest) }
    }

    /// Floats that `init` takes of its arena for each token: the widest input, or nothing without dropout.
    static func floatsPerToken(_ plan: BlockPlan, _ layout: TrainableLayout?) -> Int {
        guard layout?.lowRank?.dropout ?? 0 > 0 else { return 0 }
        return JoinedLayer.allCases.map(plan.inputWidth).max() ?? 0
    }

    /// The input that a site's adapter sees; valid until the next call.
    func input(_ x_TI: Matrix, block: Int, site: Int) -> Matrix {
        guard let dropout, let memory else { return x_TI }
        let dropped_TI = memory.columns(0..<x_TI.columns)
        kernels.dropout(
            x_TI, into: dropped_TI, rowKeys: dropout.rowKeys, siteKey: Self.key(block: block, site: site),
            rate: dropout.rate)
        return dropped_TI
    }

    /// Adds Aᵀ(Bᵀg) to the gradient of a site's input, through the same mask.
    func addGradient(
        _ projected_TR: Matrix, _ a_RI: Matrix, to gradient_TI: Matrix, block: Int, site: Int
    ) {
        guard let dropout, let memory else {
            gradient_TI.product(of: projected_TR, and: a_RI, keep: 1)
            return
        }
        let through_TI = memory.columns(0..<gradient_TI.columns)
        through_TI.product(of: projected_TR, and: a_RI)
        kernels.addDropout(
            through_TI, to: gradient_TI, rowKeys: dropout.rowKeys, siteKey: Self.key(block: block, site: site),
            rate: dropout.rate)
    }

    private static func key(block: Int, site: Int) -> UInt64 { UInt64(block) << 8 | UInt64(site) }
}
