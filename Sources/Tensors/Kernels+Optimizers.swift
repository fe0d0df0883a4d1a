import CKernels

extension Kernels {
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

    /// One step of gradient descent on `parameters` in place, as `torch.optim.SGD` takes it: with
    /// g = gradientScale · gradient + weightDecay · parameter, velocity = momentum · velocity + g (Polyak, 1964), and
    /// parameter -= learningRate · velocity.
    ///
    /// - Parameter velocity: all zero before the first step; nil for plain descent, which knows no momentum.
    public func sgd(
        _ parameters: Matrix, gradients: Matrix, velocity: Matrix?, gradientScale: Float, learningRate: Float,
        momentum: Float, weightDecay: Float
    ) {
        precondition(parameters.isContiguous && gradients.isContiguous && parameters.count == gradients.count)
        precondition(velocity.map { $0.isContiguous && $0.count == parameters.count } ?? true)
        table.pointee.sgd(
            parameters.base, gradients.base, velocity?.base, parameters.count, gradientScale, learningRate, momentum,
            weightDecay)
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
