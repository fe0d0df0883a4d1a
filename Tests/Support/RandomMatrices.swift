import Randomness
import Tensors

extension Storage {
    /// Floats drawn from a normal distribution.
    public convenience init(normal count: Int, scale: Double = 1, using generator: inout SeededGenerator) {
        self.init(count: count)
        for i in 0..<count { base[i] = Float(scale * generator.normal()) }
    }
}

/// The largest |a − b| relative to the largest |b|: one figure for how far two tensors are apart.
public func relativeDifference(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count)
    let largest = b.reduce(0) { max($0, abs(Double($1))) }
    let differences = zip(a, b).map { abs(Double($0) - Double($1)) }
    // `max` would pass over a NaN.
    let difference = differences.contains(where: \.isNaN) ? .infinity : differences.reduce(0, max)
    return largest == 0 ? difference : difference / largest
}
