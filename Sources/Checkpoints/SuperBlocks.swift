// Blocks of 256 weights ("K-quants"): sub-blocks have small integer scales that share one or two half-precision ones.

/// scale (half), scale of minima (half), 12 bytes of eight 6-bit scales and eight 6-bit minima, 128 bytes of 4-bit
/// numbers: w = scale * s * q - minimum * m, for sub-blocks of 32.
func dequantiseQ4_K(_ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutablePointer<Float>) {
    for block in 0..<blocks {
        let start = source + 144 * block
        let scale = half(start)
        let minimum = half(start + 2)
        let packed = (start + 4).assumingMemoryBound(to: UInt8.self)
        let quants = (start + 16).assumingMemoryBound(to: UInt8.self)
        let weights = target + 256 * block
        for pair in 0..<4 {
            let (lowScale, lowMinimum) = sixBitPair(packed, 2 * pair)
            let (highScale, highMinimum) = sixBitPair(packed, 2 * pair + 1)
            let lowFactor = scale * lowScale, highFactor = scale * highScale
            let lowOffset = minimum * lowMinimum, highOffset = minimum * highMinimum
            for j in 0..<32 {
                let byte = quants[32 * pair + j]
                weights[64 * pair + j] = lowFactor * Float(byte & 15) - lowOffset
                weights[64 * pair + 32 + j] = highFactor * Float(byte >> 4) - highOffset
            }
        }
    }
}

/// The 6-bit scale and minimum of a sub-block. The first four lie in the low bits of bytes 0-3 and 4-7; the last four
/// have their low four bits in bytes 8-11 and their high two in the top of the first eight bytes.
@inline(__always)
private func sixBitPair(_ packed: UnsafePointer<UInt8>, _ index: Int) -> (scale: Float, minimum: Float) {
    guard index >= 4 else { return (Float(packed[index] & 63), Float(packed[index + 4] & 63)) }
    let scale = (packed[index + 4] & 15) | (packed[index - 4] >> 6) << 4
    let minimum = (packed[index + 4] >> 4) | (packed[index] >> 6) << 4
    return (Float(scale), Float(minimum))
}

/// 128 bytes of low four bits, 64 bytes of high two bits, 16 signed scales, scale (half):
/// w = scale * s * (q - 32), for sub-blocks of 16.
func dequantiseQ6_K(_ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutablePointer<Float>) {
    for block in 0..<blocks {
        let start = source + 210 * block
        let scale = half(start + 208)
        for part in 0..<2 {
            let low = (start + 64 * part).assumingMemoryBound(to: UInt8.self)
            let high = (start + 128 + 32 * part).assumingMemoryBound(to: UInt8.self)
            let scales = (start + 192 + 8 * part).assumingMemoryBound(to: Int8.self)
            let weights = target + 256 * block + 128 * part
            // Each quarter of 32 weights takes one half of a byte of `low` and one of the four bit pairs of `high`.
            for quarter in 0..<4 {
                let bytes = low + 32 * (quarter & 1)
                let nibbleShift = UInt8(4 * (quarter >> 1))
                let pairShift = UInt8(2 * quarter)
                for j in 0..<32 {
                    let quant = ((bytes[j] &>> nibbleShift) & 15) | ((high[j] &>> pairShift) & 3) << 4
                    let factor = scale * Float(scales[2 * quarter + j / 16])
                    weights[32 * quarter + j] = factor * Float(Int(quant) - 32)
                }
            }
        }
    }
}
