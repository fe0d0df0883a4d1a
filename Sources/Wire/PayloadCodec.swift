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
        let count = bytes.count / bytesPerValue
        var start = 0
        while start < count {
            let end = min(start + Self.blockValues, count)
            let block = UnsafeRawBufferPointer(rebasing: bytes[start * bytesPerValue..<end * bytesPerValue])
            // Whole words tell quickly that all of a block are finite, and never which one is not.
            if !areFinite(block), let index = (start..<end).first(where: { !isFinite(bytes, $0) }) { return index }
            start = end
        }
        return nil
    }

    /// Values that are looked at together.
    private static let blockValues = 2048

    /// The bits of the exponent in each value of a word of eight bytes. All are set in a value that is not finite.
    private var exponents: UInt64 { self == .f32 ? 0x7F80_0000_7F80_0000 : 0x7F80_7F80_7F80_7F80 }

    /// Whether all values of a block are finite: a carry out of a value's exponent, whose bits are all set, goes to its
    /// sign, which is masked, and no further.
    private func areFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let exponents = exponents
        let lowest = exponents & ~(exponents << 1), signs = exponents << 1 & ~exponents
        var carries: UInt64 = 0
        let words = bytes.count / 8
        for i in 0..<words {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self))
            carries |= (word & exponents) &+ lowest
        }
        return carries & signs == 0
            && (words * 8 / bytesPerValue..<bytes.count / bytesPerValue).allSatisfy { isFinite(bytes, $0) }
    }

    private func isFinite(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Bool {
        switch self {
        case .f32:
            let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
            return word & 0x7F80_0000 != 0x7F80_0000
        case .bf16:
            let word = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
            return word & 0x7F80 != 0x7F80
        }
    }
}

/// The nearest bf16 number, ties to even. A value that is not a number stays one.
private func roundToBF16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
}
