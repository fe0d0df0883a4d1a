import CKernels

/// Fused elementwise operations on rows of tokens, in C, chosen once for this processor.
///
/// Shapes: T tokens, D width, H heads. Each method states what it writes; nothing is allocated.
public struct Kernels: Sendable {
    // The table is constant for the life of the process.
    private nonisolated(unsafe) let table: UnsafePointer<pf_kernels>

    /// The fastest set that this processor runs.
    public static let best = Kernels(table: pf_kernels_best())

    /// The set that any processor runs.
    public static let portable: Kernels = {
        let copy = UnsafeMutablePointer<pf_kernels>.allocate(capacity: 1)
        copy.initialize(to: pf_kernels_portable)
        return Kernels(table: UnsafePointer(copy))
    }()

    /// The instruction set, such as `avx2`.
    public var name: String { String(cString: table.pointee.name) }

    /// Root mean square normalisation of each row (Zhang and Sennrich, 2019); `rstd_T` receives 1/rms when given.
    public func rmsNorm(
        _ x_TD: Matrix, weight_D: Matrix, epsilon: Float, into out_TD: Matrix, rstd_T: Matrix? = nil
    ) {
        precondition(x_TD.isContiguous && out_TD.isContiguous)
        table.pointee.rms_norm(
            x_TD.base, weight_D.base, out_TD.base, rstd_T?.base, x_TD.rows, x_TD.columns, epsilon)
    }

    /// Adds the gradient of `rmsNorm` with respect to `x_TD` to `gradient_TD`.
    public func rmsNormBackward(
        _ outputGradient_TD: Matrix, x_TD: Matrix, weight_D: Matrix, rstd_T: Matrix, addTo gradient_TD: Matrix
    ) {
        precondition(outputGradient_TD.isContiguous && x_TD.isContiguous && gradient_TD.isContiguous)
        table.pointee.rms_norm_backward(
            outputGradient_TD.base, x_TD.base, weight_D.base, rstd_T.base, gradient_TD.base, x_TD.rows, x_TD.columns)
    }

    /// Rotates heads in place by their token's position (RoPE, Su et al., 2021); `inverse` undoes it.
    public func rotate(
        _ x: Matrix, headDimension: Int, positions: UnsafePointer<Int32>, table angles: RotaryTable,
        inverse: Bool = false
    ) {
        self.table.pointee.rotate(
            x.base, x.stride, x.rows, x.columns / headDimension, headDimension, positions, angles.cosine,
            angles.sine, inverse ? -1 : 1)
    }

    /// Causal grouped-query attention inside each sequence. `scratch` holds one float per token of the longest one.
    public func attention(
        q: Matrix, k: Matrix, v: Matrix, into out_TD: Matrix, logNormaliser_TH: Matrix?,
        sequences: SequenceLayout, shape: AttentionShape, scratch: Matrix
    ) {
        precondition(q.stride == k.stride && q.stride == v.stride)
        sequences.withOffsets { offsets in
            table.pointee.attention(
                q.base, k.base, v.base, q.stride, out_TD.base, out_TD.stride, logNormaliser_TH?.base, offsets,
                shape.c, scratch.base)
        }
    }

    /// Gradients of `attention`, written over `dq`, `dk` and `dv`.
    public func attentionBackward(
        _ outputGradient_TD: Matrix, out_TD: Matrix, q: Matrix, k: Matrix, v: Matrix,
        logNormaliser_TH: Matrix, dq: Matrix, dk: Matrix, dv: Matrix, sequences: SequenceLayout,
        shape: AttentionShape
    ) {
        precondition(dq.stride == dk.stride && dq.stride == dv.stride && outputGradient_TD.stride == out_TD.stride)
        sequences.withOffsets { offsets in
            table.pointee.attention_backward(
                outputGradient_TD.base, out_TD.base, out_TD.stride, q.base, k.base, v.base, q.stride,
                logNormaliser_TH.base, dq.base, dk.base, dv.base, dq.stride, offsets, shape.c)
        }
    }

    /// out = silu(gate) · up (Shazeer, 2020), each row of `gateUp_T2F` holding gate, then up.
    public func swiglu(_ gateUp_T2F: Matrix, into out_TF: Matrix) {
        precondition(gateUp_T2F.isContiguous && out_TF.isContiguous)
        table.pointee.swiglu(gateUp_T2F.base, out_TF.base, out_TF.rows, out_TF.columns)
    }

    /// The gradient of `swiglu` with respect to gate and up.
    public func swigluBackward(_ outputGradient_TF: Matrix, gateUp_T2F: Matrix, into gradient_T2F: Matrix) {
        precondition(outputGradient_TF.isContiguous && gateUp_T2F.isContiguous && gradient_T2F.isContiguous)
        table.pointee.swiglu_backward(
            outputGradient_TF.base, gateUp_T2F.base, gradient_T2F.base, outputGradient_TF.rows,
            outputGradient_TF.columns)
    }

    /// y += scale · x.
    public func add(_ x: Matrix, scale: Float = 1, to y: Matrix) {
        precondition(x.isContiguous && y.isContiguous && x.count == y.count)
        table.pointee.add_scaled(x.base, scale, y.base, x.count)
    }

    /// Σ x², summed in double precision.
    public func sumOfSquares(_ x: Matrix) -> Double {
        precondition(x.isContiguous)
        return table.pointee.sum_of_squares(x.base, x.count)
    }

    /// One AdamW update of `parameters` in place (Loshchilov and Hutter, 2019, algorithm 2).
    public func adamW(
        _ parameters: Matrix, gradients: Matrix, firstMoment: Matrix, secondMoment: Matrix, step: Int,
        gradientScale: Float, learningRate: Float, settings: AdamWCoefficients
    ) {
        table.pointee.adamw(
            parameters.base, gradients.base, firstMoment.base, secondMoment.base, parameters.count, gradientScale,
            learningRate, settings.beta1, settings.beta2, settings.epsilon, settings.weightDecay,
            1 - power(settings.beta1, step), 1 - power(settings.beta2, step))
    }

    private func power(_ base: Float, _ exponent: Int) -> Float {
        var result = 1.0
        for _ in 0..<exponent { result *= Double(base) }
        return Float(result)
    }
}

/// The coefficients of AdamW that stay the same during a run.
public struct AdamWCoefficients: Sendable, Equatable {
    /// The decay of the first moment.
    public var beta1: Float
    /// The decay of the second moment.
    public var beta2: Float
    /// Added to the root of the second moment.
    public var epsilon: Float
    /// Decoupled weight decay, multiplied by the learning rate.
    public var weightDecay: Float

    /// The defaults of the reference framework.
    public init(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }
}

/// Heads of grouped-query attention: each `heads / keyValueHeads` query heads share one key and value head.
public struct AttentionShape: Sendable, Equatable {
    /// Query heads.
    public let heads: Int
    /// Key and value heads, a divisor of `heads`.
    public let keyValueHeads: Int
    /// Floats of one head.
    public let headDimension: Int

    /// Scores are scaled by 1/√headDimension.
    public init(heads: Int, keyValueHeads: Int, headDimension: Int) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headDimension = headDimension
    }

    var c: pf_attention_shape {
        pf_attention_shape(
            heads: Int32(heads), kv_heads: Int32(keyValueHeads), head_dim: Int32(headDimension),
            scale: 1 / Float(headDimension).squareRoot())
    }
}
