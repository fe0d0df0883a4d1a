/// The float of an IEEE half at an address. Written out, because `Float16` does not exist on every platform and its
/// conversion is a library call on processors without one.
@inline(__always)
func half(_ address: UnsafeRawPointer) -> Float {
    let bits = UInt32(UInt16(littleEndian: address.loadUnaligned(as: UInt16.self)))
    let sign = (bits & 0x8000) << 16
    let magnitude = bits & 0x7FFF
    let unsigned: UInt32
    if magnitude < 0x0400 {
        // Subnormal: a count of 2^-24.
        unsigned = (Float(magnitude) * 0x1p-24).bitPattern
    } else if magnitude < 0x7C00 {
        // The exponent moves from a bias of 15 to one of 127.
        unsigned = (magnitude << 13) + (112 << 23)
    } else {
        unsigned = (magnitude << 13) | 0x7F80_0000
    }
    return Float(bitPattern: sign | unsigned)
}

func dequantiseF32(_ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutablePointer<Float>) {
    for i in 0..<count {
        let bits = (source + 4 * i).loadUnaligned(as: UInt32.self)
        target[i] = Float(bitPattern: UInt32(littleEndian: bits))
    }
}

func dequantiseF16(_ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutablePointer<Float>) {
    for i in 0..<count { target[i] = half(source + 2 * i) }
}

/// bfloat16 is the upper half of a float.
func dequantiseBF16(_ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutablePointer<Float>) {
    for i in 0..<count {
        let bits = UInt16(littleEndian: (source + 2 * i).loadUnaligned(as: UInt16.self))
        target[i] = Float(bitPattern: UInt32(bits) << 16)
    }
}
