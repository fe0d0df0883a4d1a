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

    /// F: replaces `x_TD` by the block's output, and keeps what B and W need.
    ///
    /// - Parameters:
    ///   - rows: the tokens whose output anybody reads, ascending; nil for all. Behind attention, only these go on: their
    ///     output takes the first rows of `x_TD`, and what lies behind is meaningless.
    ///   - dropout: which inputs of adapters to drop; nil outside training.
    ///   - arena: holds the activations that are returned.
    ///   - scratch: reset it afterwards.
    public func forward(
        _ x_TD: Matrix, layout: SequenceLayout, reading rows: [Int]? = nil, dropout: Dropout? = nil, arena: Arena,
        scratch: Arena
    ) -> BlockActivations {
        let kept = BlockActivations(
            plan, x_TD, reading: rows, projectedWidth: parameters?.projectedWidth ?? 0,
            learned: parameters?.learned(plan) ?? [], arena: arena, scratch: scratch)
        forward(x_TD, kept, layout, dropout, scratch) {
            attend(kept, layout, logNormaliser_TH: kept.logNormaliser_TH)
        }
        return kept
    }

    /// F where no backward pass follows: nothing is kept.
    ///
    /// - Parameter scratch: reset it afterwards.
    public func pass(_ x_TD: Matrix, layout: SequenceLayout, reading rows: [Int]? = nil, scratch: Arena) {
        let passing = passing(x_TD, reading: rows, scratch)
        forward(x_TD, passing, layout, nil, scratch) { attend(passing, layout, logNormaliser_TH: nil) }
    }

    /// The same of new tokens only: the keys and values of earlier ones are in a cache, to which the new ones are added.
    ///
    /// - Parameters:
    ///   - layout: the new tokens, with positions that begin where the cached ones end.
    ///   - rows: those whose output anybody reads.
    public func pass(
        _ x_TD: Matrix, layout: SequenceLayout, reading rows: [Int]? = nil, cache: KeyValueCache, scratch: Arena
    ) {
        let passing = passing(x_TD, reading: rows, scratch)
        forward(x_TD, passing, layout, nil, scratch) {
            for sequence in 0..<layout.count {
                let rows = layout.rows(of: sequence)
                let joined = passing.queryKeyValue.rows(rows)
                let entry = cache.append(
                    keys: plan.keys(joined), values: plan.values(joined), place: sequence, block: index)
                kernels.attentionCached(
                    q: plan.queries(joined), keys: entry.keys, values: entry.values, past: entry.past,
                    into: passing.attended.rows(rows), shape: plan.attention,
                    scratch: scratch.matrix(rows: 1, columns: entry.past + rows.count))
            }
        }
    }

    /// Floats that F takes of its arena: the activations that B and W read.
    ///
    /// - Parameters:
    ///   - read: how many tokens' output anybody reads; nil for all.
    ///   - layout: what trains in the block.
    public static func forwardFloats(
        _ model: Hyperparameters, tokens: Int, read: Int? = nil, training layout: TrainableLayout
    ) -> Int {
        keptFloats(BlockPlan(model), tokens: tokens, read: read, layout).kept
    }

    /// Floats that F takes of its scratch arena: the other activations, and the input of one adapter where inputs are
    /// dropped.
    public static func forwardScratchFloats(
        _ model: Hyperparameters, tokens: Int, read: Int? = nil, training layout: TrainableLayout
    ) -> Int {
        let plan = BlockPlan(model)
        return keptFloats(plan, tokens: tokens, read: read, layout).scratch
            + tokens * DroppedInput.floatsPerToken(plan, layout)
    }

    private static func keptFloats(
        _ plan: BlockPlan, tokens: Int, read: Int?, _ layout: TrainableLayout
    ) -> (kept: Int, scratch: Int) {
        BlockActivations.keptFloats(
            plan, tokens: tokens, read: read, projectedWidth: layout.projectedWidth, learned: layout.learned)
    }

    /// Floats that F takes of its scratch arena where nothing is kept.
    ///
    /// - Parameter layout: what trains in the block; nil for a frozen one.
    public static func passFloats(_ model: Hyperparameters, tokens: Int, training layout: TrainableLayout?) -> Int {
        BlockActivations.passingFloats(BlockPlan(model), tokens: tokens, projectedWidth: layout?.projectedWidth ?? 0)
    }

    private func passing(_ x_TD: Matrix, reading rows: [Int]?, _ scratch: Arena) -> BlockActivations {
        BlockActivations(
            plan, x_TD, reading: rows, projectedWidth: parameters?.projectedWidth ?? 0, learned: nil, arena: scratch,
            scratch: scratch)
    }

    private func attend(_ kept: BlockActivations, _ layout: SequenceLayout, logNormaliser_TH: Matrix?) {
        kernels.attention(
            q: plan.queries(kept.queryKeyValue), k: plan.keys(kept.queryKeyValue),
            v: plan.values(kept.queryKeyValue), into: kept.attended, logNormaliser_TH: logNormaliser_TH,
            sequences: layout, shape: plan.attention)
    }

    private func forward(
        _ x_TD: Matrix, _ kept: BlockActivations, _ layout: SequenceLayout, _ dropout: Dropout?, _ scratch: Arena,
        attend: () -> Void
    ) {
        let dropped = DroppedInput(
            dropout, plan, tokens: layout.tokens, reading: kept.rows, arena: scratch, kernels: kernels)
        kept.keepInput(x_TD)
        weights.attentionNorm.forward(
            x_TD, into: kept.attentionInput_TD, statistics: kept.inputStatistics, kernels: kernels)
        linear(.queryKeyValue, into: kept.queryKeyValue, kept, dropped)
        rotate(kept.queryKeyValue, layout, inverse: false)
        attend()
        let x_ND = kept.gatherRead(x_TD)
        linear(.attentionOutput, into: x_ND, keep: 1, kept, dropped)

        kept.keepMiddle(x_ND)
        weights.feedForwardNorm.forward(
            x_ND, into: kept.feedForwardInput_ND, statistics: kept.middleStatistics, kernels: kernels)
        let activation = plan.model.activation, bias_F = weights[.expansion].bias_O
        linear(.expansion, into: kept.expanded, addingBias: activation == .swiglu, kept, dropped)
        switch activation {
        case .swiglu: kernels.swiglu(kept.expanded, into: kept.hidden_NF)
        case .gelu: kernels.gelu(kept.expanded, adding: bias_F, into: kept.hidden_NF)
        case .relu: kernels.relu(kept.expanded, adding: bias_F, into: kept.hidden_NF)
        }
        linear(.contraction, into: x_ND, keep: 1, kept, dropped)
    }

    /// output = W x + b + keep · output, and the low-rank terms of the joined layers on top.
    ///
    /// - Parameter addsBias: not where what reads the output adds b.
    private func linear(
        _ layer: JoinedLayer, into output: Matrix, keep: Float = 0, addingBias addsBias: Bool = true,
        _ kept: BlockActivations, _ dropped: DroppedInput
    ) {
        let input = kept.input(of: layer)
        output.product(of: input, and: weights[layer].weight_OI, .transposed, keep: keep)
        if addsBias, let bias_O = weights[layer].bias_O { kernels.addRow(bias_O, to: output) }
        for site in plan.sites(in: layer) {
            guard let adapter = parameters?.lowRank(site) else { continue }
            adapter.term.forward(
                dropped.input(input, block: index, site: site), addTo: output.columns(plan.sites[site].outputs),
                projected_TR: kept.projected(by: adapter.projection, of: layer))
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
