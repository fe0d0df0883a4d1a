extension PayloadCodec {
    /// The index of the first value that is infinite or not a number, in rows of `columns` values. In blocks it is the
    /// first value of the first block whose scale would make a value so; a scale says nothing of the others in it.
    ///
    /// - Precondition: there is no part of a row.
    public func firstNonFinite(_ bytes: UnsafeRawBufferPointer, columns: Int) -> Int? {
        switch self {
        case .f32: Self.firstNonFinite(in: bytes, word: UInt32.self, exponents: 0x7F80_0000_7F80_0000)
        case .bf16: Self.firstNonFinite(in: bytes, word: UInt16.self, exponents: 0x7F80_7F80_7F80_7F80)
        case .int8, .int4Residual, .int4: firstNonFiniteBlock(bytes, columns: columns)
        }
    }

    /// Values that are looked at together.
    private static let valuesAtOnce = 2048

    /// - Parameter exponents: the bits of the exponent in each value of a word of eight bytes. All are set in a value that
    ///   is not finite.
    private static func firstNonFinite<Word: FixedWidthInteger>(
        in bytes: UnsafeRawBufferPointer, word: Word.Type, exponents: UInt64
    ) -> Int? {
        let width = MemoryLayout<Word>.size, count = bytes.count / width
        let exponent = Word(truncatingIfNeeded: exponents)
        var start = 0
        while start < count {
            let end = min(start + valuesAtOnce, count)
            let values = UnsafeRawBufferPointer(rebasing: bytes[start * width..<end * width])
            // Whole words tell quickly that all values are finite, and never which one is not.
            let checked = areWordsFinite(values, exponents: exponents) ? values.count / 8 * (8 / width) : 0
            for index in start + checked..<end {
                let value = Word(littleEndian: bytes.loadUnaligned(fromByteOffset: index * width, as: Word.self))
                if value & exponent == exponent { return index }
            }
            start = end
        }
        return nil
    }

    /// Whether all values in whole words are finite: a carry out of a value's exponent, whose bits are all set, goes to
    /// its sign, which is masked, and no further.
    private static func areWordsFinite(_ bytes: UnsafeRawBufferPointer, exponents: UInt64) -> Bool {
        let lowest = exponents & ~(exponents << 1), signs = exponents << 1 & ~exponents
        var carries: UInt64 = 0
        for i in 0..<bytes.count / 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self))
            carries |= (word & exponents) &+ lowest
        }
        return carries & signs == 0
    }

    private func firstNonFiniteBlock(_ bytes: UnsafeRawBufferPointer, columns: Int) -> Int? {
        let residuals = residuals(columns: columns)
        // From this exponent on, the largest code times the scale is infinite; with an error to be added, both stay below
        // half of that.
        let exponentLimit = 256 - UInt16(codeBits) - (residuals > 0 ? 1 : 0), errorLimit: UInt16 = 254
        var offset = 0
        for row in 0..<rows(in: bytes.count, columns: columns) {
            for start in stride(from: 0, to: columns, by: Self.blockValues) {
                if exponent(bytes, at: offset) >= exponentLimit { return row * columns + start }
                offset += bytesPerBlock(min(Self.blockValues, columns - start))
            }
            for _ in 0..<residuals {
                if exponent(bytes, at: offset + 2) >= errorLimit { return row * columns }
                offset += Self.bytesPerPair
            }
        }
        return nil
    }

    /// The exponent of a bfloat16 number.
    private func exponent(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt16 {
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) >> 7 & 0xFF
    }
}
