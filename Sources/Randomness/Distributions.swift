import Foundation

extension SeededGenerator {
    /// A draw from the standard normal distribution (Box-Muller).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }

    /// Two independent draws from the standard normal distribution, at little more than the cost of one.
    public mutating func normalPair() -> (Double, Double) {
        let radius = (-2 * log(1 - uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
        return (radius * cos(angle), radius * sin(angle))
    }

    /// A draw from Gamma(shape, 1) (Marsaglia and Tsang, 2000).
    public mutating func gamma(shape: Double) -> Double {
        guard shape >= 1 else {
            return gamma(shape: shape + 1) * pow(1 - uniform(), 1 / shape)
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let v = pow(1 + c * x, 3)
            if v > 0, log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }

    /// A draw from the symmetric Dirichlet distribution: `count` shares that sum to one.
    public mutating func dirichlet(alpha: Double, count: Int) -> [Double] {
        let draws = (0..<count).map { _ in gamma(shape: alpha) }
        let sum = draws.reduce(0, +)
        // With a tiny alpha every draw can underflow to zero: then one share takes all, as in the limit.
        guard sum > 0 else {
            let winner = Int.random(in: 0..<count, using: &self)
            return (0..<count).map { $0 == winner ? 1 : 0 }
        }
        return draws.map { $0 / sum }
    }

    /// The numbers `0..<count` in random order.
    public mutating func permutation(_ count: Int) -> [Int] { Array(0..<count).shuffled(using: &self) }
}
