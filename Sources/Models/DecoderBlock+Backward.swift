import Checkpoints
import Tensors

extension DecoderBlock {
    /// B: replaces the gradient of the block's output by that of its input.
    ///
    /// - Parameters:
    ///   - gradient_TD: meaningless afterwards when `needsInputGradient` is false.
    ///   - needsInputGradient: false for the lowest trainable block, below which nothing wants a gradient.
    ///   - arena: holds what is returned, until the W pass.
    ///   - scratch: reset it afterwards.
    public func backwardInput(
        _ gradient_TD: Matrix, activations kept: BlockActivations, layout: SequenceLayout, dropout: Dropout? = nil,
        needsInputGradient: Bool, arena: Arena, scratch: Arena
    ) -> BlockGradients {
        let trainsNorms = parameters?.trainsNorms ?? false
        let gradients = BlockGradients(
            plan, tokens: layout.tokens, projectedWidth: kept.projected.columns, arena: arena,
            normArena: trainsNorms ? arena : scratch)
        let dropped = DroppedInput(dropout, plan, tokens: layout.tokens, arena: scratch, kernels: kernels)
        func backward(_ layer: JoinedLayer, _ inputGradient: Matrix?) {
            linearBackward(layer, inputGradient, gradients, dropped)
        }

        gradients[.contraction].copy(from: gradient_TD)
        let hiddenGradient_TF = scratch.matrix(rows: layout.tokens, columns: plan.model.feedForwardWidth)
        backward(.contraction, hiddenGradient_TF)
        switch plan.model.activation {
        case .swiglu:
            kernels.swigluBackward(hiddenGradient_TF, gateUp_T2F: kept.expanded, into: gradients[.expansion])
        case .gelu: kernels.geluBackward(hiddenGradient_TF, x_TF: kept.expanded, into: gradients[.expansion])
        case .relu: kernels.reluBackward(hiddenGradient_TF, x_TF: kept.expanded, into: gradients[.expansion])
        }
        backward(.expansion, gradients.feedForwardNorm_TD)
        weights.feedForwardNorm.backwardInput(
            gradients.feedForwardNorm_TD, x_TD: kept.middle_TD, statistics: kept.middleStatistics,
            addTo: gradient_TD, kernels: kernels)

        gradients[.attentionOutput].copy(from: gradient_TD)
        let attendedGradient = scratch.matrix(rows: layout.tokens, columns: kept.attended.columns)
        backward(.attentionOutput, attendedGradient)
        let joined = gradients[.queryKeyValue]
        kernels.attentionBackward(
            attendedGradient, out_TD: kept.attended, q: plan.queries(kept.queryKeyValue),
            k: plan.keys(kept.queryKeyValue), v: plan.values(kept.queryKeyValue),
            logNormaliser_TH: kept.logNormaliser_TH, dq: plan.queries(joined), dk: plan.keys(joined),
            dv: plan.values(joined), sequences: layout, shape: plan.attention)
        rotate(joined, layout, inverse: true)
        backward(.queryKeyValue, needsInputGradient || trainsNorms ? gradients.attentionNorm_TD : nil)
        if needsInputGradient {
            weights.attentionNorm.backwardInput(
                gradients.attentionNorm_TD, x_TD: kept.input_TD, statistics: kept.inputStatistics,
                addTo: gradient_TD, kernels: kernels)
        }
        return gradients
    }

    /// Floats that B and W together take of an arena: what B leaves for W, the gradients of the hidden layer and of the
    /// attended values, and in each of both passes the input of one adapter where inputs are dropped.
    public static func backwardFloats(_ model: Hyperparameters, tokens: Int, training layout: TrainableLayout) -> Int {
        let plan = BlockPlan(model)
        let kept = BlockGradients.floatsPerToken(plan, projectedWidth: layout.projectedWidth)
        let scratch = model.feedForwardWidth + model.queryWidth + 2 * DroppedInput.floatsPerToken(plan, layout)
        return tokens * (kept + scratch)
    }

    /// Floats that lie between B and W beside the activations: gradients at each product's output and, where norms train,
    /// at theirs.
    public static func keptGradientFloats(
        _ model: Hyperparameters, tokens: Int, training layout: TrainableLayout
    ) -> Int {
        tokens * BlockGradients.floatsPerToken(BlockPlan(model), projectedWidth: layout.projectedWidth)
    }

    /// Writes the gradient of a joined product's input, and keeps Bᵀg of its adapters.
    private func linearBackward(
        _ layer: JoinedLayer, _ inputGradient: Matrix?, _ gradients: BlockGradients, _ dropped: DroppedInput
    ) {
        let g = gradients[layer]
        inputGradient?.product(of: g, and: weights[layer].weight_OI)
        for site in plan.sites(in: layer) {
            guard let adapter = parameters?.lowRank(site) else { continue }
            let projected_TR = gradients.projected.columns(adapter.projection)
            adapter.term.backwardInput(g.columns(plan.sites[site].outputs), projected_TR: projected_TR)
            guard let inputGradient else { continue }
            dropped.addGradient(projected_TR, adapter.term.a_RI, to: inputGradient, block: index, site: site)
        }
    }

    /// W: adds the gradients of what trains in the block to `sums`. May run any time after the block's B pass.
    ///
    /// - Parameter scratch: reset it afterwards.
    public func backwardWeights(
        activations kept: BlockActivations, gradients: BlockGradients, dropout: Dropout? = nil,
        addTo sums: BlockParameters, scratch: Arena
    ) {
        switch sums {
        case .full(let sums): addWeightGradients(kept, gradients, to: sums)
        case .lowRank:
            let dropped = DroppedInput(
                dropout, plan, tokens: kept.input_TD.rows, arena: scratch, kernels: kernels)
            for site in plan.sites.indices {
                guard let adapter = parameters?.lowRank(site), let sum = sums.lowRank(site) else { continue }
                let layer = plan.sites[site].layer
                adapter.term.backwardWeights(
                    x_TI: dropped.input(kept.input(of: layer), block: index, site: site),
                    forwardProjection_TR: kept.projected.columns(adapter.projection),
                    g_TO: gradients[layer].columns(plan.sites[site].outputs),
                    backwardProjection_TR: gradients.projected.columns(adapter.projection), addTo: sum.term)
            }
        }
    }

    private func addWeightGradients(_ kept: BlockActivations, _ gradients: BlockGradients, to sums: BlockWeights) {
        for layer in JoinedLayer.allCases {
            sums[layer].floats_OI.product(of: gradients[layer], .transposed, and: kept.input(of: layer), keep: 1)
            if let bias_O = sums[layer].bias_O { kernels.addColumnSums(of: gradients[layer], to: bias_O) }
        }
        sums.attentionNorm.addWeightGradients(
            gradients.attentionNorm_TD, x_TD: kept.input_TD, statistics: kept.inputStatistics, kernels: kernels)
        sums.feedForwardNorm.addWeightGradients(
            gradients.feedForwardNorm_TD, x_TD: kept.middle_TD, statistics: kept.middleStatistics, kernels: kernels)
    }
}
