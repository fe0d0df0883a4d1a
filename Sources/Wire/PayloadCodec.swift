/// How the numbers of a payload frame are written, both little-endian. The raw value is the number on the wire.
public enum PayloadCodec: UInt32, Sendable, CaseIterable {
    /// IEEE 754 binary32, as in memory.
    case f32 = 1
    /// The upper half of binary32, rounded to nearest, ties to even: half the bytes, 8 bits of precision.
    case bf16 = 2

    /// Bytes of one number.
    public var bytesPerValue: Int { self == .f32 ? 4 : 2 }

    /// Bytes of a tensor [rows, columns], or nil when that is negative or beyond an `Int`.
    public func byteCount(rows: Int, columns: Int) -> Int? {
        guard rows >= 0, columns >= 0 else { return nil }
        let (count, countOverflow) = rows.multipliedReportingOverflow(by: columns)
        let (bytes, bytesOverflow) = count.multipliedReportingOverflow(by: bytesPerValue)
        return countOverflow || bytesOverflow ? nil : bytes
    }

    /// Writes values as payload bytes.
    ///
    /// - Precondition: `bytes` has room for exactly these values.
    public func encode(_ values: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count == values.count * bytesPerValue, "the payload is not as long as its values")
        switch self {
        case .f32:
            bytes.copyMemory(from: UnsafeRawBufferPointer(values))
        case .bf16:
            for (i, value) in values.enumerated() {
                bytes.storeBytes(of: roundToBF16(value).littleEndian, toByteOffset: i * 2, as: UInt16.self)
            }
        }
    }

    /// Reads payload bytes as values.
    ///
    /// - Precondition: `values` has room for exactly these bytes.
    public func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>) {
        precondition(bytes.count == values.count * bytesPerValue, "the payload is not as long as its values")
        switch self {
        case .f32:
            UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
        case .bf16:
            for i in 0..<values.count {
                let word = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self))
                values[i] = Float(bitPattern: UInt32(word) << 16)
            }
        }
    }

    /// The values in place, without a copy, or nil when the codec is not f32 or the bytes are not aligned for floats.
    public func view(_ bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<Float>? {
        guard self == .f32, bytes.count % 4 == 0, UInt(bitPattern: bytes.baseAddress) % 4 == 0 else { return nil }
        return bytes.bindMemory(to: Float.self)
    }

    /// The index of the first value that is infinite or not a number.
    public func firstNonFinite(_ bytes: UnsafeRawBufferPointer) -> Int? {
        switch self {
        case .f32:
            return (0..<bytes.count / 4).first { i in
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)) & 0x7F80_0000
                    == 0x7F80_0000
            }
        case .bf16:
            return (0..<bytes.count / 2).first { i in
                UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)) & 0x7F80 == 0x7F80
            }
        }
    }
}

/// The nearest bf16 number, ties to even. A value that is not a number stays one.
private func roundToBF16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
}
