import Models
import Tensors

/// What keeps the columns of B and the rows of A of every adapted layer near-orthogonal, so that ranks do not share what
/// they say and the weak ones can go (SOFT, arXiv 2505.00333):
///
///     R = λ (‖offdiag(BᵀB)‖² + ‖offdiag(AAᵀ)‖²)
///
/// With G = offdiag(BᵀB), dR = λ · 2⟨G, dBᵀB + BᵀdB⟩ = 4λ ⟨BG, dB⟩, because G is symmetric: the gradients are 4λ BG and
/// 4λ offdiag(AAᵀ) A.
public struct OrthogonalityPenalty: Sendable, Equatable {
    /// The weight of the penalty beside the mean loss.
    public let lambda: Float

    /// A penalty of a weight.
    public init(lambda: Float) { self.lambda = lambda }

    /// R, summed over all layers.
    public func value(of parameters: TrainableParameters) -> Double {
        parameters.layout.slots.reduce(0) { sum, slot in
            let term = parameters.term(slot)
            return sum + Double(lambda)
                * (Kernels.best.sumOfSquares(offDiagonal(b: term.b_OR))
                    + Kernels.best.sumOfSquares(offDiagonal(a: term.a_RI)))
        }
    }

    /// Adds the gradient of R.
    public func addGradient(of parameters: TrainableParameters, to gradient: TrainableParameters) {
        for slot in parameters.layout.slots {
            let (term, sum) = (parameters.term(slot), gradient.term(slot))
            sum.b_OR.product(of: term.b_OR, and: offDiagonal(b: term.b_OR), scale: 4 * lambda, keep: 1)
            sum.a_RI.product(of: offDiagonal(a: term.a_RI), and: term.a_RI, scale: 4 * lambda, keep: 1)
        }
    }

    private func offDiagonal(b b_OR: Matrix) -> Matrix {
        let gram = square(b_OR.columns)
        gram.product(of: b_OR, .transposed, and: b_OR)
        return withoutDiagonal(gram)
    }

    private func offDiagonal(a a_RI: Matrix) -> Matrix {
        let gram = square(a_RI.rows)
        gram.product(of: a_RI, and: a_RI, .transposed)
        return withoutDiagonal(gram)
    }

    private func square(_ rank: Int) -> Matrix { Storage(count: rank * rank).matrix(rows: rank, columns: rank) }

    private func withoutDiagonal(_ gram: Matrix) -> Matrix {
        for i in 0..<gram.rows { gram[i, i] = 0 }
        return gram
    }
}
