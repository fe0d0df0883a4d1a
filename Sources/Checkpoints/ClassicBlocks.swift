// Blocks of 32 weights with one scale, and in the _1 variants one minimum. The 4-bit parts of weight j and weight
// j + 16 share byte j: the low half and the high half.

/// scale (half), 16 bytes: w = scale * (q - 8).
func dequantiseQ4_0(_ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutablePointer<Float>) {
    for block in 0..<blocks {
        let start = source + 18 * block
        let scale = half(start)
        let quants = (start + 2).loadUnaligned(as: SIMD16<UInt8>.self)
        let weights = target + 32 * block
        store(scale * (floats(quants & 15) - 8), at: weights)
        store(scale * (floats(quants &>> 4) - 8), at: weights + 16)
    }
}

/// scale (half), minimum (half), 16 bytes: w = scale * q + minimum.
func dequantiseQ4_1(_ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutablePointer<Float>) {
    for block in 0..<blocks {
        let start = source + 20 * block
        let scale = half(start)
        let minimum = half(start + 2)
        let quants = (start + 4).loadUnaligned(as: SIMD16<UInt8>.self)
        let weights = target + 32 * block
        store(scale * floats(quants & 15) + minimum, at: weights)
        store(scale * floats(quants &>> 4) + minimum, at: weights + 16)
    }
}

/// scale (half), 32 fifth bits, 16 bytes: w = scale * (q - 16).
func dequantiseQ5_0(_ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutablePointer<Float>) {
    for block in 0..<blocks {
        let start = source + 22 * block
        let scale = half(start)
        let (low, high) = fiveBitQuants(fifthBits: start + 2, quants: start + 6)
        let weights = target + 32 * block
        store(scale * (low - 16), at: weights)
        store(scale * (high - 16), at: weights + 16)
    }
}

/// scale (half), minimum (half), 32 fifth bits, 16 bytes: w = scale * q + minimum.
func dequantiseQ5_1(_ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutablePointer<Float>) {
    for block in 0..<blocks {
        let start = source + 24 * block
        let scale = half(start)
        let minimum = half(start + 2)
        let (low, high) = fiveBitQuants(fifthBits: start + 4, quants: start + 8)
        let weights = target + 32 * block
        store(scale * low + minimum, at: weights)
        store(scale * high + minimum, at: weights + 16)
    }
}

/// scale (half), 32 signed bytes: w = scale * q.
func dequantiseQ8_0(_ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutablePointer<Float>) {
    for block in 0..<blocks {
        let start = source + 34 * block
        let scale = half(start)
        let weights = target + 32 * block
        for part in [0, 16] {
            let quants = (start + 2 + part).loadUnaligned(as: SIMD16<Int8>.self)
            store(scale * SIMD16<Float>(quants), at: weights + part)
        }
    }
}

/// The 32 five-bit numbers of a block, of which the fifth bits lie in a word of their own, weight 0 lowest.
@inline(__always)
private func fiveBitQuants(
    fifthBits: UnsafeRawPointer, quants: UnsafeRawPointer
) -> (low: SIMD16<Float>, high: SIMD16<Float>) {
    let bits = UInt32(littleEndian: fifthBits.loadUnaligned(as: UInt32.self))
    let nibbles = quants.loadUnaligned(as: SIMD16<UInt8>.self)
    let places = SIMD16<UInt16>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    let lowFifth = (SIMD16<UInt16>(repeating: UInt16(truncatingIfNeeded: bits)) &>> places) & 1
    let highFifth = (SIMD16<UInt16>(repeating: UInt16(truncatingIfNeeded: bits >> 16)) &>> places) & 1
    let low = SIMD16<UInt16>(truncatingIfNeeded: nibbles & 15) | (lowFifth &<< 4)
    let high = SIMD16<UInt16>(truncatingIfNeeded: nibbles &>> 4) | (highFifth &<< 4)
    return (SIMD16<Float>(low), SIMD16<Float>(high))
}

@inline(__always)
private func floats(_ numbers: SIMD16<UInt8>) -> SIMD16<Float> { SIMD16<Float>(numbers) }

@inline(__always)
private func store(_ floats: SIMD16<Float>, at address: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(address).storeBytes(of: floats, as: SIMD16<Float>.self)
}
