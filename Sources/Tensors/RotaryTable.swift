import Foundation

/// Cosines and sines of the rotary position embedding for every position up to a limit (Su et al., 2021).
public final class RotaryTable: Sendable {
    /// Positions that the table covers.
    public let positions: Int
    private let values: Storage
    private let half: Int

    /// - Parameters:
    ///   - positions: the longest sequence, in tokens.
    ///   - headDimension: even; pair i turns by position · base^(-2i / headDimension).
    public init(positions: Int, headDimension: Int, base: Double) {
        self.positions = positions
        half = headDimension / 2
        values = Storage(count: 2 * positions * half)
        for position in 0..<positions {
            for i in 0..<half {
                let angle = Double(position) * pow(base, -2 * Double(i) / Double(headDimension))
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
