import Tensors

/// A rule that moves parameters along their gradients.
public protocol Optimizer: Sendable {
    /// Updates the parameters in place.
    ///
    /// - Parameter step: counted from 1.
    /// - Returns: the norm of all gradients before clipping; not finite when training has diverged, and then nothing
    ///   was updated.
    func update(
        _ parameters: TrainableParameters, gradients: TrainableParameters, step: Int, learningRate: Double
    ) -> Double

    /// What the rule remembers from step to step, by name: with the parameters, all that a checkpoint needs.
    var state: [(name: String, values: TrainableParameters)] { get }
}

/// Scales gradients whose norm over all parameters together is too large.
struct GradientClip: Sendable {
    /// The largest norm; nil leaves gradients as they are.
    let norm: Double?

    /// The norm of the gradients and the factor that brings it under the limit, or nil when it is not finite.
    func factor(_ gradients: TrainableParameters, kernels: Kernels) -> (norm: Double, scale: Float?) {
        let found = kernels.sumOfSquares(gradients.flat).squareRoot()
        guard found.isFinite else { return (found, nil) }
        // The small number keeps the quotient finite, as in the reference framework's clip_grad_norm_.
        return (found, Float(norm.map { min(1, $0 / (found + 1e-6)) } ?? 1))
    }
}
