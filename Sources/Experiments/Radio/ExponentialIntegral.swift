import Foundation

/// e^x · E₁(x) for x > 0, with E₁(x) = ∫ from x to ∞ of e^(-t)/t dt. The product stays finite where E₁ underflows.
///
/// Below 1 the power series −γ − ln x − Σ (−x)^k / (k · k!), above it the continued fraction
/// 1/(x+1 − 1/(x+3 − 4/(x+5 − …))) (Abramowitz and Stegun, 5.1.11 and 5.1.22).
func scaledExponentialIntegral(_ x: Double) -> Double {
    precondition(x > 0, "the integral diverges at 0")
    guard x > 1 else {
        var sum = -0.577_215_664_901_532_9 - log(x)
        var power = 1.0
        for k in 1...30 {
            power *= -x / Double(k)
            sum -= power / Double(k)
        }
        return exp(x) * sum
    }
    // From the innermost term outwards; at x = 1 the slowest, 200 terms leave an error below 1e-12.
    var tail = x + 401
    for k in stride(from: 200.0, through: 1, by: -1) { tail = x + 2 * k - 1 - k * k / tail }
    return 1 / tail
}
