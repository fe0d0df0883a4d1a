import Foundation

/// The learning rate by step: a linear warm-up, then constant, or down to zero along a line or a half cosine.
public struct LearningRateSchedule: Sendable, Equatable {
    /// What follows the warm-up.
    public enum Shape: String, Sendable, CaseIterable {
        /// The peak to the end.
        case constant
        /// Down to zero after the last step.
        case linear
        /// Down to zero after the last step, slowly at both ends (Loshchilov and Hutter, 2017, without restarts).
        case cosine
    }

    let peak: Double
    let warmupSteps: Int
    let totalSteps: Int
    let shape: Shape

    /// - Parameters:
    ///   - peak: the rate at the end of the warm-up.
    ///   - totalSteps: where a falling schedule reaches zero.
    public init(peak: Double, warmupSteps: Int, totalSteps: Int, shape: Shape) {
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
        self.shape = shape
    }

    /// The rate of a step, counted from 1.
    public func rate(step: Int) -> Double {
        if step <= warmupSteps { return peak * Double(step) / Double(warmupSteps) }
        // The share of the steps after the warm-up that lies behind.
        let done = min(1, Double(step - warmupSteps - 1) / Double(max(1, totalSteps - warmupSteps)))
        return switch shape {
        case .constant: peak
        case .linear: peak * (1 - done)
        case .cosine: peak * 0.5 * (1 + cos(.pi * done))
        }
    }
}
