import Tensors

/// A low-rank adapter beside a linear layer: z = W₀x + scale · B A x (Hu et al., 2021).
///
/// Shapes: T tokens, I input width, O output width, R rank. The same type holds the gradients of A and B.
public struct LowRankTerm: Sendable {
    /// The factor that reads the input.
    public let a_RI: Matrix
    /// The factor that writes the output.
    public let b_OR: Matrix
    /// alpha / rank, or alpha / √rank for a stabilised rank.
    public let scale: Float

    /// Two factors of one rank.
    public init(a_RI: Matrix, b_OR: Matrix, scale: Float) {
        precondition(a_RI.rows == b_OR.columns, "factors of one rank")
        self.a_RI = a_RI
        self.b_OR = b_OR
        self.scale = scale
    }

    /// Adds scale · B(Ax) to `z_TO` and keeps Ax in `projected_TR`.
    func forward(_ x_TI: Matrix, addTo z_TO: Matrix, projected_TR: Matrix) {
        projected_TR.product(of: x_TI, and: a_RI, .transposed)
        z_TO.product(of: projected_TR, and: b_OR, .transposed, scale: scale, keep: 1)
    }

    /// B pass: keeps scale · Bᵀg in `projected_TR`; its product with A is the input's gradient.
    func backwardInput(_ g_TO: Matrix, projected_TR: Matrix) {
        projected_TR.product(of: g_TO, and: b_OR, scale: scale)
    }

    /// W pass: adds scale · g(Ax)ᵀ and scale · (Bᵀg)xᵀ to the gradients of B and A (arXiv 2401.10241 split for LoRA).
    func backwardWeights(
        x_TI: Matrix, forwardProjection_TR: Matrix, g_TO: Matrix, backwardProjection_TR: Matrix,
        addTo gradient: LowRankTerm
    ) {
        gradient.a_RI.product(of: backwardProjection_TR, .transposed, and: x_TI, keep: 1)
        gradient.b_OR.product(of: g_TO, .transposed, and: forwardProjection_TR, scale: scale, keep: 1)
    }
}
