import Checkpoints
import Tensors

/// One block of a Llama model: attention with rotary positions and grouped heads, then a gated feed-forward layer,
/// each behind a root mean square norm and beside a residual (Touvron et al., 2023).
///
/// The backward pass is decomposed (arXiv 2401.10241): `backwardInput` (B) gives the gradient of the input and leaves
/// what `backwardWeights` (W) needs, which may run any time later.
public struct LlamaBlock: Sendable {
    /// The block's place in the model, counted from 0.
    public let index: Int
    let model: Hyperparameters
    let weights: LlamaBlockWeights
    let angles: RotaryTable
    let kernels: Kernels

    /// F: replaces `x_TD` by the block's output.
    ///
    /// - Parameters:
    ///   - adapters: nil for a frozen block.
    ///   - arena: holds the activations that are returned; reset it at once when no backward pass follows.
    @discardableResult
    public func forward(
        _ x_TD: Matrix, layout: SequenceLayout, adapters: BlockAdapters?, arena: Arena
    ) -> LlamaBlockActivations {
        let kept = LlamaBlockActivations(model, tokens: layout.tokens, rank: adapters?.rank ?? 0, arena: arena)
        kept.input_TD.copy(from: x_TD)

        kernels.rmsNorm(
            x_TD, weight_D: weights.attentionNorm_D, epsilon: model.normEpsilon, into: kept.attentionInput_TD,
            rstd_T: kept.inputScale_T)
        kept.queryKeyValue.product(of: kept.attentionInput_TD, and: weights.queryKeyValue, .transposed)
        for target in [AdapterTarget.q, .k, .v] {
            adapt(target, kept.attentionInput_TD, part(target, of: kept.queryKeyValue), adapters, kept)
        }
        rotate(kept.queryKeyValue, layout, inverse: false)
        kernels.attention(
            q: part(.q, of: kept.queryKeyValue), k: part(.k, of: kept.queryKeyValue),
            v: part(.v, of: kept.queryKeyValue), into: kept.attended, logNormaliser_TH: kept.logNormaliser_TH,
            sequences: layout, shape: attentionShape, scratch: arena.matrix(rows: 1, columns: layout.longest))
        x_TD.product(of: kept.attended, and: weights.output, .transposed, keep: 1)
        adapt(.o, kept.attended, x_TD, adapters, kept)

        kept.middle_TD.copy(from: x_TD)
        kernels.rmsNorm(
            x_TD, weight_D: weights.feedForwardNorm_D, epsilon: model.normEpsilon, into: kept.feedForwardInput_TD,
            rstd_T: kept.middleScale_T)
        kept.gateUp_T2F.product(of: kept.feedForwardInput_TD, and: weights.gateUp, .transposed)
        for target in [AdapterTarget.gate, .up] {
            adapt(target, kept.feedForwardInput_TD, part(target, of: kept.gateUp_T2F), adapters, kept)
        }
        kernels.swiglu(kept.gateUp_T2F, into: kept.hidden_TF)
        x_TD.product(of: kept.hidden_TF, and: weights.down, .transposed, keep: 1)
        adapt(.down, kept.hidden_TF, x_TD, adapters, kept)
        return kept
    }

    /// B: replaces the gradient of the block's output by that of its input.
    ///
    /// - Parameters:
    ///   - gradient_TD: meaningless afterwards when `needsInputGradient` is false.
    ///   - needsInputGradient: false for the lowest trainable block, below which nothing wants a gradient.
    ///   - arena: holds what is returned, until the W pass.
    ///   - scratch: reset it afterwards.
    public func backwardInput(
        _ gradient_TD: Matrix, activations kept: LlamaBlockActivations, layout: SequenceLayout,
        adapters: BlockAdapters, needsInputGradient: Bool, arena: Arena, scratch: Arena
    ) -> LlamaBlockGradients {
        let gradients = LlamaBlockGradients(like: kept, arena: arena)
        func backward(_ target: AdapterTarget, _ g: Matrix, _ inputGradient: Matrix?) {
            adapters[target]?.backwardInput(
                g, addTo: inputGradient, projected_TR: part(target, ofProjections: gradients.projected, adapters))
        }

        gradients.down_TD.copy(from: gradient_TD)
        let hiddenGradient_TF = scratch.matrix(rows: layout.tokens, columns: model.feedForwardWidth)
        hiddenGradient_TF.product(of: gradients.down_TD, and: weights.down)
        backward(.down, gradients.down_TD, hiddenGradient_TF)
        kernels.swigluBackward(hiddenGradient_TF, gateUp_T2F: kept.gateUp_T2F, into: gradients.gateUp_T2F)
        let normGradient_TD = scratch.matrix(rows: layout.tokens, columns: model.width)
        normGradient_TD.product(of: gradients.gateUp_T2F, and: weights.gateUp)
        for target in [AdapterTarget.gate, .up] {
            backward(target, part(target, of: gradients.gateUp_T2F), normGradient_TD)
        }
        kernels.rmsNormBackward(
            normGradient_TD, x_TD: kept.middle_TD, weight_D: weights.feedForwardNorm_D, rstd_T: kept.middleScale_T,
            addTo: gradient_TD)

        gradients.output_TD.copy(from: gradient_TD)
        let attendedGradient = scratch.matrix(rows: layout.tokens, columns: kept.attended.columns)
        attendedGradient.product(of: gradients.output_TD, and: weights.output)
        backward(.o, gradients.output_TD, attendedGradient)
        kernels.attentionBackward(
            attendedGradient, out_TD: kept.attended, q: part(.q, of: kept.queryKeyValue),
            k: part(.k, of: kept.queryKeyValue), v: part(.v, of: kept.queryKeyValue),
            logNormaliser_TH: kept.logNormaliser_TH, dq: part(.q, of: gradients.queryKeyValue),
            dk: part(.k, of: gradients.queryKeyValue), dv: part(.v, of: gradients.queryKeyValue), sequences: layout,
            shape: attentionShape)
        rotate(gradients.queryKeyValue, layout, inverse: true)

        let inputGradient_TD = needsInputGradient ? normGradient_TD : nil
        inputGradient_TD?.product(of: gradients.queryKeyValue, and: weights.queryKeyValue)
        for target in [AdapterTarget.q, .k, .v] {
            backward(target, part(target, of: gradients.queryKeyValue), inputGradient_TD)
        }
        if let inputGradient_TD {
            kernels.rmsNormBackward(
                inputGradient_TD, x_TD: kept.input_TD, weight_D: weights.attentionNorm_D, rstd_T: kept.inputScale_T,
                addTo: gradient_TD)
        }
        return gradients
    }

    /// W: adds the gradients of the block's adapters to `sums`. May run any time after the block's B pass.
    public func backwardWeights(
        activations kept: LlamaBlockActivations, gradients: LlamaBlockGradients, adapters: BlockAdapters,
        addTo sums: BlockAdapters
    ) {
        for target in AdapterTarget.allCases {
            guard let adapter = adapters[target], let sum = sums[target] else { continue }
            let (x, g) =
                switch target {
                case .q, .k, .v: (kept.attentionInput_TD, part(target, of: gradients.queryKeyValue))
                case .o: (kept.attended, gradients.output_TD)
                case .gate, .up: (kept.feedForwardInput_TD, part(target, of: gradients.gateUp_T2F))
                case .down: (kept.hidden_TF, gradients.down_TD)
                }
            adapter.backwardWeights(
                x_TI: x, forwardProjection_TR: part(target, ofProjections: kept.projected, adapters), g_TO: g,
                backwardProjection_TR: part(target, ofProjections: gradients.projected, adapters), addTo: sum)
        }
    }
}

extension LlamaBlock {
    private var attentionShape: AttentionShape {
        AttentionShape(heads: model.heads, keyValueHeads: model.keyValueHeads, headDimension: model.headDimension)
    }

    /// The columns that belong to a target in a joined matrix of queries, keys and values, or of gate and up.
    private func part(_ target: AdapterTarget, of joined: Matrix) -> Matrix {
        let query = model.heads * model.headDimension, key = model.keyValueHeads * model.headDimension
        return switch target {
        case .q: joined.columns(0..<query)
        case .k: joined.columns(query..<query + key)
        case .v: joined.columns(query + key..<query + 2 * key)
        case .gate: joined.columns(0..<model.feedForwardWidth)
        case .up: joined.columns(model.feedForwardWidth..<2 * model.feedForwardWidth)
        case .o, .down: joined
        }
    }

    private func part(_ target: AdapterTarget, ofProjections all: Matrix, _ adapters: BlockAdapters) -> Matrix {
        all.columns(target.index * adapters.rank..<(target.index + 1) * adapters.rank)
    }

    private func adapt(
        _ target: AdapterTarget, _ x: Matrix, _ z: Matrix, _ adapters: BlockAdapters?, _ kept: LlamaBlockActivations
    ) {
        guard let adapters, let adapter = adapters[target] else { return }
        adapter.forward(x, addTo: z, projected_TR: part(target, ofProjections: kept.projected, adapters))
    }

    /// Queries and keys lie side by side, so that one call turns both.
    private func rotate(_ queryKeyValue: Matrix, _ layout: SequenceLayout, inverse: Bool) {
        let turned = (model.heads + model.keyValueHeads) * model.headDimension
        layout.positions.withUnsafeBufferPointer { positions in
            guard let positions = positions.baseAddress else { return }
            kernels.rotate(
                queryKeyValue.columns(0..<turned), headDimension: model.headDimension, positions: positions,
                table: angles, inverse: inverse)
        }
    }
}
