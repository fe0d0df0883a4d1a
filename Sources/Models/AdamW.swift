import Tensors

/// AdamW (Loshchilov and Hutter, 2019).
public final class AdamW: Optimizer {
    private let firstMoment: TrainableParameters
    private let secondMoment: TrainableParameters
    private let coefficients: AdamWCoefficients
    private let clip: GradientClip
    private let kernels: Kernels

    /// - Parameter clipNorm: the largest norm of all gradients together; nil leaves them as they are.
    public init(
        layout: TrainableLayout, coefficients: AdamWCoefficients, clipNorm: Double?, kernels: Kernels = .best
    ) {
        firstMoment = TrainableParameters(layout: layout)
        secondMoment = TrainableParameters(layout: layout)
        self.coefficients = coefficients
        clip = GradientClip(norm: clipNorm)
        self.kernels = kernels
    }

    /// How many numbers the rule remembers of each parameter.
    public static let stateCount = 2

    /// Updates the parameters in place.
    public func update(
        _ parameters: TrainableParameters, gradients: TrainableParameters, step: Int, learningRate: Double
    ) -> Double {
        let (norm, scale) = clip.factor(gradients, kernels: kernels)
        guard let scale else { return norm }
        kernels.adamW(
            parameters.flat, gradients: gradients.flat, firstMoment: firstMoment.flat,
            secondMoment: secondMoment.flat, step: step, gradientScale: scale, learningRate: Float(learningRate),
            settings: coefficients)
        return norm
    }

    /// Both moments.
    public var state: [(name: String, values: TrainableParameters)] {
        [("first_moment", firstMoment), ("second_moment", secondMoment)]
    }
}
