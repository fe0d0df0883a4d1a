import Foundation

/// Cosines and sines of the rotary position embedding for every position up to a limit (Su et al., 2021).
public final class RotaryTable: Sendable {
    /// Positions that the table covers.
    public let positions: Int
    private let values: Storage
    private let half: Int

    /// - Parameters:
    ///   - positions: the longest sequence, in tokens.
    ///   - headDimension: even; pair i turns by position · base^(-2i / headDimension) / factors[i].
    ///   - factors: headDimension / 2 divisors of the frequencies, which stretch a model's context; nil for 1.
    public init(positions: Int, headDimension: Int, base: Double, factors: [Float]? = nil) {
        self.positions = positions
        half = headDimension / 2
        precondition(factors.map { $0.count == headDimension / 2 } ?? true, "each pair of a head needs a factor")
        let frequencies = (0..<half).map { i in
            pow(base, -2 * Double(i) / Double(headDimension)) / Double(factors?[i] ?? 1)
        }
        values = Storage(count: 2 * positions * half)
        for position in 0..<positions {
            for i in 0..<half {
                let angle = Double(position) * frequencies[i]
                values.base[position * half + i] = Float(cos(angle))
                values.base[(positions + position) * half + i] = Float(sin(angle))
            }
        }
    }

    /// [positions, headDimension / 2].
    var cosine: UnsafePointer<Float> { UnsafePointer(values.base) }

    /// [positions, headDimension / 2].
    var sine: UnsafePointer<Float> { UnsafePointer(values.base + positions * half) }
}
