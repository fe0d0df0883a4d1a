import Models
import Tensors

/// The correction of LoRA-FAIR: the mean of B times the mean of A is not the mean of BA.
///
/// With weights p_k, Ā = Σ p_k A_k, B̄ = Σ p_k B_k and M = Σ p_k B_k A_k, it finds the ΔB that minimises
///
///     ‖(B̄ + ΔB) Ā − M‖² + λ ‖ΔB‖²          (Frobenius norms)
///
/// The gradient with respect to ΔB is 2 ((B̄ + ΔB) Ā − M) Āᵀ + 2 λ ΔB, and is zero where
///
///     ΔB (ĀĀᵀ + λI) = Σ p_k B_k (A_k Āᵀ) − B̄ (ĀĀᵀ)
///
/// so that one R × R system with as many right sides as outputs gives it, and no O × I matrix is ever made.
struct FactorCorrection {
    /// λ, above zero: rows of Ā may be zero where ranks differ.
    let lambda: Double

    /// Adds ΔB to the mean of B.
    ///
    /// - Parameters:
    ///   - mean: B̄ and Ā of one layer.
    ///   - parts: of the devices, with weights that sum to one and one rank.
    func apply(to mean: LowRankTerm, parts: [(weight: Double, term: LowRankTerm)]) {
        let (rank, outputs) = (mean.a_RI.rows, mean.b_OR.rows)
        let gram = Storage(count: rank * rank).matrix(rows: rank, columns: rank)
        gram.product(of: mean.a_RI, and: mean.a_RI, .transposed)
        let right_OR = Storage(count: outputs * rank).matrix(rows: outputs, columns: rank)
        right_OR.product(of: mean.b_OR, and: gram, scale: -1)
        let cross = Storage(count: rank * rank).matrix(rows: rank, columns: rank)
        for (weight, term) in parts {
            cross.product(of: term.a_RI, and: mean.a_RI, .transposed)
            right_OR.product(of: term.b_OR, and: cross, scale: Float(weight), keep: 1)
        }
        let system = Cholesky(
            (0..<rank).map { row in
                (0..<rank).map { Double(gram[row, $0]) + (row == $0 ? lambda : 0) }
            })
        for output in 0..<outputs {
            // The matrix is its own transpose: each row of ΔB is a system of its own.
            let row = system.solve((0..<rank).map { Double(right_OR[output, $0]) })
            for column in 0..<rank { mean.b_OR[output, column] += Float(row[column]) }
        }
    }
}

/// The Cholesky factor L of a small symmetric positive definite matrix, LLᵀ.
struct Cholesky {
    private let lower: [[Double]]

    /// - Parameter matrix: symmetric and positive definite.
    init(_ matrix: [[Double]]) {
        var lower = matrix
        for row in matrix.indices {
            for column in 0...row {
                let known = (0..<column).reduce(0.0) { $0 + lower[row][$1] * lower[column][$1] }
                let rest = matrix[row][column] - known
                lower[row][column] = row == column ? rest.squareRoot() : rest / lower[column][column]
            }
        }
        self.lower = lower
    }

    /// x with LLᵀx = right.
    func solve(_ right: [Double]) -> [Double] {
        var x = right
        for row in x.indices {
            x[row] = (x[row] - (0..<row).reduce(0.0) { $0 + lower[row][$1] * x[$1] }) / lower[row][row]
        }
        for row in x.indices.reversed() {
            let known = (row + 1..<x.count).reduce(0.0) { $0 + lower[$1][row] * x[$1] }
            x[row] = (x[row] - known) / lower[row][row]
        }
        return x
    }
}
