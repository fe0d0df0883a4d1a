import Checkpoints
import Tensors

extension DecoderBlock {
    /// B: replaces the gradient of the block's output by that of its input.
    ///
    /// - Parameters:
    ///   - gradient_TD: where F went on with some tokens only, their gradients take the first rows. Meaningless
    ///     afterwards when `needsInputGradient` is false.
    ///   - needsInputGradient: false for the lowest trainable block, below which nothing wants a gradient.
    ///   - arena: holds what is returned, until the W pass.
    ///   - scratch: reset it afterwards.
    public func backwardInput(
        _ gradient_TD: Matrix, activations kept: BlockActivations, layout: SequenceLayout, dropout: Dropout? = nil,
        needsInputGradient: Bool, arena: Arena, scratch: Arena
    ) -> BlockGradients {
        let trainsNorms = parameters?.trainsNorms ?? false
        let gradient_ND = gradient_TD.rows(0..<kept.middle_ND.rows)
        let gradients = BlockGradients(
            plan, kept, gradient_ND, arena: arena, scratch: scratch, trainsNorms: trainsNorms)
        let dropped = DroppedInput(
            dropout, plan, tokens: layout.tokens, reading: kept.rows, arena: scratch, kernels: kernels)
        func backward(_ layer: JoinedLayer, _ inputGradient: Matrix?) {
            linearBackward(layer, inputGradient, gradients, dropped)
        }

        gradients.keep(gradient_ND, at: .contraction, of: kept)
        let hiddenGradient_NF = scratch.matrix(rows: gradient_ND.rows, columns: plan.model.feedForwardWidth)
        backward(.contraction, hiddenGradient_NF)
        switch plan.model.activation {
        case .swiglu:
            kernels.swigluBackward(hiddenGradient_NF, gateUp_T2F: kept.expanded, into: gradients[.expansion])
        case .gelu: kernels.geluBackward(hiddenGradient_NF, x_TF: kept.expanded, into: gradients[.expansion])
        case .relu: kernels.reluBackward(hiddenGradient_NF, x_TF: kept.expanded, into: gradients[.expansion])
        }
        backward(.expansion, gradients.feedForwardNorm_ND)
        weights.feedForwardNorm.backwardInput(
            gradients.feedForwardNorm_ND, x_TD: kept.middle_ND, statistics: kept.middleStatistics,
            addTo: gradient_ND, kernels: kernels)

        gradients.keep(gradient_ND, at: .attentionOutput, of: kept)
        let attendedGradient = scratch.matrix(rows: layout.tokens, columns: kept.attended.columns)
        backward(.attentionOutput, attendedGradient.rows(0..<gradient_ND.rows))
        if let rows = kept.rows {
            attendedGradient.scatter(rows)
            if needsInputGradient { gradient_TD.scatter(rows) }
        }
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
    ///
    /// - Parameter read: how many tokens' output anybody reads; nil for all.
    public static func backwardFloats(
        _ model: Hyperparameters, tokens: Int, read: Int? = nil, training layout: TrainableLayout
    ) -> Int {
        let plan = BlockPlan(model), gradients = gradientFloats(plan, tokens: tokens, read: read, layout)
        return gradients.kept + gradients.scratch + (read ?? tokens) * model.feedForwardWidth
            + tokens * (model.queryWidth + 2 * DroppedInput.floatsPerToken(plan, layout))
    }

    /// Floats that lie between B and W beside the activations: gradients at each product's output and, where norms train,
    /// at theirs.
    ///
    /// - Parameter read: how many tokens' output anybody reads; nil for all.
    public static func keptGradientFloats(
        _ model: Hyperparameters, tokens: Int, read: Int? = nil, training layout: TrainableLayout
    ) -> Int {
        gradientFloats(BlockPlan(model), tokens: tokens, read: read, layout).kept
    }

    private static func gradientFloats(
        _ plan: BlockPlan, tokens: Int, read: Int?, _ layout: TrainableLayout
    ) -> (kept: Int, scratch: Int) {
        BlockGradients.floats(
            plan, tokens: tokens, read: read, projectedWidth: layout.projectedWidth, learned: layout.learned,
            trainsNorms: layout.form == .full)
    }

    /// Writes the gradient of a joined product's input, and keeps Bᵀg of its adapters.
    private func linearBackward(
        _ layer: JoinedLayer, _ inputGradient: Matrix?, _ gradients: BlockGradients, _ dropped: DroppedInput
    ) {
        let g = gradients[layer]
        inputGradient?.product(of: g, and: weights[layer].weight_OI)
        for site in plan.sites(in: layer) {
            guard let adapter = parameters?.lowRank(site) else { continue }
            let projected_TR = gradients.projected(by: adapter.projection, of: layer)
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
                dropout, plan, tokens: kept.input_TD.rows, reading: kept.rows, arena: scratch, kernels: kernels)
            for site in plan.sites.indices {
                guard let adapter = parameters?.lowRank(site), let sum = sums.lowRank(site) else { continue }
                let layer = plan.sites[site].layer
                adapter.term.backwardWeights(
                    x_TI: dropped.input(kept.input(of: layer), block: index, site: site),
                    forwardProjection_TR: kept.projected(by: adapter.projection, of: layer),
                    g_TO: gradients[layer].columns(plan.sites[site].outputs),
                    backwardProjection_TR: gradients.projected(by: adapter.projection, of: layer),
                    addTo: sum.term)
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
            gradients.feedForwardNorm_ND, x_TD: kept.middle_ND, statistics: kept.middleStatistics, kernels: kernels)
    }
}
