import Tensors

/// AdamW with gradient clipping over all adapters at once (Loshchilov and Hutter, 2019).
public final class AdamW: Sendable {
    /// The moments, of the parameters' shape.
    let firstMoment: AdapterTensors
    let secondMoment: AdapterTensors
    private let coefficients: AdamWCoefficients
    private let clipNorm: Double?
    private let kernels: Kernels

    /// - Parameter clipNorm: the largest norm of all gradients together; nil leaves them as they are.
    public init(
        layout: AdapterLayout, coefficients: AdamWCoefficients, clipNorm: Double?, kernels: Kernels = .best
    ) {
        firstMoment = AdapterTensors(layout: layout)
        secondMoment = AdapterTensors(layout: layout)
        self.coefficients = coefficients
        self.clipNorm = clipNorm
        self.kernels = kernels
    }

    /// Updates the parameters in place.
    ///
    /// - Parameter step: counted from 1.
    /// - Returns: the norm of all gradients before clipping; not finite when training has diverged, and then nothing
    ///   was updated.
    public func update(
        _ parameters: AdapterTensors, gradients: AdapterTensors, step: Int, learningRate: Double
    ) -> Double {
        let norm = kernels.sumOfSquares(gradients.flat).squareRoot()
        guard norm.isFinite else { return norm }
        // The small number keeps the quotient finite, as in the reference framework's clip_grad_norm_.
        let scale = clipNorm.map { min(1, $0 / (norm + 1e-6)) } ?? 1
        kernels.adamW(
            parameters.flat, gradients: gradients.flat, firstMoment: firstMoment.flat,
            secondMoment: secondMoment.flat, step: step, gradientScale: Float(scale),
            learningRate: Float(learningRate), settings: coefficients)
        return norm
    }
}

/// The learning rate by step: a linear warm-up, then constant or linear to zero.
public struct LearningRateSchedule: Sendable, Equatable {
    /// What follows the warm-up.
    public enum Shape: String, Sendable, CaseIterable {
        /// The peak to the end.
        case constant
        /// Down to zero at the last step.
        case linear
    }

    let peak: Double
    let warmupSteps: Int
    let totalSteps: Int
    let shape: Shape

    /// - Parameters:
    ///   - peak: the rate at the end of the warm-up.
    ///   - totalSteps: where a linear schedule reaches zero.
    public init(peak: Double, warmupSteps: Int, totalSteps: Int, shape: Shape) {
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
        self.shape = shape
    }

    /// The rate of a step, counted from 1.
    public func rate(step: Int) -> Double {
        if step <= warmupSteps { return peak * Double(step) / Double(warmupSteps) }
        switch shape {
        case .constant: return peak
        case .linear: return peak * Double(max(0, totalSteps - step + 1)) / Double(max(1, totalSteps - warmupSteps))
        }
    }
}
