import Tensors

/// A low-rank adapter beside a linear layer: z = W₀x + scale · B A x (Hu et al., 2021).
///
/// Shapes: T tokens, I input width, O output width, R rank. The same type holds the gradients of A and B.
public struct LowRankTerm: Sendable {
    /// The factor that reads the input.
    public let a_RI: Matrix
    /// The factor that writes the output.
    public let b_OR: Matrix
    /// alpha / rank.
    public let scale: Float

    /// Adds scale · B(Ax) to `z_TO` and keeps Ax in `projected_TR`.
    func forward(_ x_TI: Matrix, addTo z_TO: Matrix, projected_TR: Matrix) {
        projected_TR.product(of: x_TI, and: a_RI, .transposed)
        z_TO.product(of: projected_TR, and: b_OR, .transposed, scale: scale, keep: 1)
    }

    /// B pass: keeps scale · Bᵀg in `projected_TR`, which `backwardWeights` will need, and adds Aᵀ of it to the
    /// input's gradient when there is one.
    func backwardInput(_ g_TO: Matrix, addTo gradient_TI: Matrix?, projected_TR: Matrix) {
        projected_TR.product(of: g_TO, and: b_OR, scale: scale)
        gradient_TI?.product(of: projected_TR, and: a_RI, keep: 1)
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
