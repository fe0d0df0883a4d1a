import Checkpoints
import Tensors

/// A normalisation with its weights, or the gradients of these.
struct Norm: Sendable {
    let weight_D: Matrix
    /// Only a layer norm has one.
    let bias_D: Matrix?
    let epsilon: Float

    /// Normalises rows and keeps what `backward` needs.
    func forward(_ x_TD: Matrix, into out_TD: Matrix, statistics: NormStatistics, kernels: Kernels) {
        if let bias_D {
            kernels.layerNorm(
                x_TD, weight_D: weight_D, bias_D: bias_D, epsilon: epsilon, into: out_TD, mean_T: statistics.mean_T,
                rstd_T: statistics.scale_T)
        } else {
            kernels.rmsNorm(x_TD, weight_D: weight_D, epsilon: epsilon, into: out_TD, rstd_T: statistics.scale_T)
        }
    }

    /// B: adds the gradient of the input to `gradient_TD`.
    func backwardInput(
        _ outputGradient_TD: Matrix, x_TD: Matrix, statistics: NormStatistics, addTo gradient_TD: Matrix,
        kernels: Kernels
    ) {
        if let mean_T = statistics.mean_T {
            kernels.layerNormBackward(
                outputGradient_TD, x_TD: x_TD, weight_D: weight_D, mean_T: mean_T, rstd_T: statistics.scale_T,
                addTo: gradient_TD)
        } else {
            kernels.rmsNormBackward(
                outputGradient_TD, x_TD: x_TD, weight_D: weight_D, rstd_T: statistics.scale_T, addTo: gradient_TD)
        }
    }

    /// W: adds the gradients of the norm's weights to this one's, which are sums of gradients.
    func addWeightGradients(
        _ outputGradient_TD: Matrix, x_TD: Matrix, statistics: NormStatistics, kernels: Kernels
    ) {
        if let mean_T = statistics.mean_T, let bias_D {
            kernels.layerNormWeightGradients(
                outputGradient_TD, x_TD: x_TD, mean_T: mean_T, rstd_T: statistics.scale_T, addToWeight_D: weight_D,
                addToBias_D: bias_D)
        } else {
            kernels.rmsNormWeightGradient(
                outputGradient_TD, x_TD: x_TD, rstd_T: statistics.scale_T, addTo: weight_D)
        }
    }
}

/// What a norm finds of each row: its mean, where the kind has one, and the reciprocal of its deviation.
struct NormStatistics: Sendable {
    let mean_T: Matrix?
    let scale_T: Matrix

    /// Floats that `init` takes of its arena for each row.
    static func floatsPerRow(_ kind: Normalisation) -> Int { kind == .layer ? 2 : 1 }

    init(_ kind: Normalisation, rows: Int, arena: Arena) {
        mean_T = kind == .layer ? arena.matrix(rows: 1, columns: rows) : nil
        scale_T = arena.matrix(rows: 1, columns: rows)
    }
}
