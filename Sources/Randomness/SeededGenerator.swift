/// xoshiro256**: a small, fast generator whose whole state is four words, so that it can be written into a checkpoint.
///
/// Every use of chance in a run draws from a stream of its own, named after its purpose. Adding a use of chance
/// therefore never changes the numbers that another one sees.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Equatable {
    /// The state, never all zero.
    public private(set) var state: (UInt64, UInt64, UInt64, UInt64)

    /// A generator for one purpose of a run.
    ///
    /// - Parameters:
    ///   - seed: the run's seed.
    ///   - stream: the purpose, such as `"split"` or `"order/device-3/epoch-1"`.
    public init(seed: UInt64, stream: String) {
        var mixer = SplitMix64(state: seed ^ fnv1a(stream))
        state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
    }

    /// The next 64 uniform bits.
    public mutating func next() -> UInt64 {
        let result = rotateLeft(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotateLeft(state.3, 45)
        return result
    }

    /// A number uniform in [0, 1), with 53 bits.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Whether both will give the same numbers.
    public static func == (a: Self, b: Self) -> Bool { a.state == b.state }
}

/// SplitMix64, which spreads a seed over the state of a larger generator.
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

private func rotateLeft(_ x: UInt64, _ bits: UInt64) -> UInt64 { (x << bits) | (x >> (64 - bits)) }

/// The FNV-1a hash of a name: stable across processes, unlike `Hasher`.
private func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
}
