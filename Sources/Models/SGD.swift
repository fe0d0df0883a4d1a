import Tensors

/// Stochastic gradient descent with momentum (Polyak, 1964), in the form v ← μv + g, θ ← θ − ηv of the reference
/// framework; weight decay is part of the gradient.
public final class SGD: Optimizer {
    private let velocity: TrainableParameters?
    private let momentum: Float
    private let weightDecay: Float
    private let clip: GradientClip
    private let kernels: Kernels

    /// - Parameters:
    ///   - momentum: 0 keeps no velocity, and no memory for it.
    ///   - clipNorm: the largest norm of all gradients together; nil leaves them as they are.
    public init(
        layout: TrainableLayout, momentum: Float, weightDecay: Float, clipNorm: Double?, kernels: Kernels = .best
    ) {
        velocity = momentum == 0 ? nil : TrainableParameters(layout: layout)
        self.momentum = momentum
        self.weightDecay = weightDecay
        clip = GradientClip(norm: clipNorm)
        self.kernels = kernels
    }

    /// How many numbers the rule remembers of each parameter.
    public static func stateCount(momentum: Double) -> Int { momentum == 0 ? 0 : 1 }

    /// Updates the parameters in place.
    public func update(
        _ parameters: TrainableParameters, gradients: TrainableParameters, step: Int, learningRate: Double
    ) -> Double {
        let (norm, scale) = clip.factor(gradients, kernels: kernels)
        guard let scale else { return norm }
        kernels.sgd(
            parameters.flat, gradients: gradients.flat, velocity: velocity?.flat, gradientScale: scale,
            learningRate: Float(learningRate), momentum: momentum, weightDecay: weightDecay)
        return norm
    }

    /// The velocity, where there is momentum.
    public var state: [(name: String, values: TrainableParameters)] {
        velocity.map { [("velocity", $0)] } ?? []
    }
}
