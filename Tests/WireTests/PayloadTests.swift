import Randomness
import Testing
import Wire

@Suite("Payloads")
struct PayloadTests {
    /// Codecs in which each number has its own exponent.
    private static let alone: [PayloadCodec] = [.f32, .bf16]

    @Test("the checksum is XXH64, as computed by its reference implementation")
    func checksum() {
        // From python-xxhash 4.1.0 over bytes (7 i + 3) mod 256: every way through the tail of the algorithm.
        let expected: [(count: Int, hash: UInt64)] = [
            (0, 0xEF46_DB37_51D8_E999), (1, 0x1F25_C8D0_BC1F_4BB6), (3, 0x31D2_363F_52E5_64C9),
            (4, 0x9BB6_4B7D_66EE_9FDA), (7, 0x9A7B_1499_59CE_60D8), (8, 0xDAB9_9D95_C6F9_0092),
            (12, 0xD52E_4078_33AF_5133), (15, 0x1B47_CB82_43CC_8E32), (31, 0xA2AA_5F33_CC4A_6119),
            (32, 0x23C3_C17E_F790_FD97), (33, 0x50A7_CFC7_BA58_8784), (39, 0x880B_BEEA_606E_4B37),
            (44, 0xA4B1_9436_AB40_EDB0), (63, 0x5E3E_54B4_31C7_493C), (64, 0x0EB6_4B3E_F6EE_B01F),
            (100, 0xA61F_8D4C_170F_E531), (1000, 0x5F23_5FA0_33F1_A3FB),
        ]
        for (count, hash) in expected {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) }
            #expect(bytes.withUnsafeBytes(payloadChecksum) == hash, "\(count) bytes")
        }
        #expect(Array("abc".utf8).withUnsafeBytes(payloadChecksum) == 0x44BC_2CF5_AD77_0999)
    }

    @Test("the checksum does not care where in memory the bytes are")
    func unalignedChecksum() {
        let bytes = (0..<101).map { UInt8($0) }
        let aligned = Array(bytes[1...]).withUnsafeBytes(payloadChecksum)
        let unaligned = bytes.withUnsafeBytes { payloadChecksum(UnsafeRawBufferPointer(rebasing: $0[1...])) }
        #expect(aligned == unaligned)
    }

    @Test("f32 gives back every bit")
    func f32() {
        let values = randomValues(seed: 11) + [0, -0.0, .infinity, .leastNonzeroMagnitude, -.greatestFiniteMagnitude]
        #expect(throughCodec(.f32, values).map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test("bf16 gives the nearest number with 8 bits of precision, ties to the even one")
    func bf16() {
        let seed: UInt64 = 12
        let values = randomValues(seed: seed)
        for (value, rounded) in zip(values, throughCodec(.bf16, values)) {
            // The neighbours of the result among bf16 numbers are no nearer than the result.
            let down = Float(bitPattern: rounded.bitPattern &- 0x1_0000)
            let up = Float(bitPattern: rounded.bitPattern &+ 0x1_0000)
            #expect(rounded.bitPattern & 0xFFFF == 0)
            #expect(abs(rounded - value) <= min(abs(down - value), abs(up - value)), "seed \(seed), \(value)")
        }
        // 1 + 2^-8 lies between 1 and 1 + 2^-7; 1 + 3 * 2^-8 between 1 + 2^-7 and 1 + 2^-6.
        #expect(throughCodec(.bf16, [1 + 0x1p-8, 1 + 0x3p-8]) == [1, 1 + 0x1p-6])
        #expect(throughCodec(.bf16, [-0.0])[0].sign == .minus)
        #expect(throughCodec(.bf16, [.nan, Float(bitPattern: 0x7F80_0001)]).allSatisfy { $0.isNaN })
        #expect(throughCodec(.bf16, [.infinity, -.infinity]) == [.infinity, -.infinity])
    }

    @Test("payload bytes are little-endian")
    func byteOrder() {
        #expect(encoded(.f32, [1], columns: 1) == [0x00, 0x00, 0x80, 0x3F])
        #expect(encoded(.bf16, [1], columns: 1) == [0x80, 0x3F])
    }

    @Test("aligned f32 bytes are seen in place, others are not")
    func view() {
        let values: [Float] = [1, 2, 3]
        values.withUnsafeBytes { bytes in
            #expect(PayloadCodec.f32.view(bytes).map(Array.init) == values)
            #expect(PayloadCodec.f32.view(bytes)?.baseAddress.map(UnsafeRawPointer.init) == bytes.baseAddress)
            #expect(PayloadCodec.f32.view(UnsafeRawBufferPointer(rebasing: bytes[2..<10])) == nil)
            #expect(PayloadCodec.bf16.view(bytes) == nil)
        }
    }

    @Test("the first value that is not finite is found, or the block that has it", arguments: PayloadCodec.allCases)
    func nonFinite(codec: PayloadCodec) {
        var values = randomValues(seed: 13)
        #expect(firstNonFinite(encoded(codec, values, columns: 200), codec, columns: 200) == nil)
        values[700] = .nan
        values[800] = .infinity
        let expected = Self.alone.contains(codec) ? 700 : 600 + 64
        #expect(firstNonFinite(encoded(codec, values, columns: 200), codec, columns: 200) == expected)
    }

    @Test(
        "values are found that are not finite, wherever they are and whatever else is there",
        arguments: alone, 1...3 as ClosedRange<UInt64>)
    func nonFiniteAnywhere(codec: PayloadCodec, seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "wire/finite")
        for _ in 0..<60 {
            let count = Int.random(in: 0...(Bool.random(using: &chance) ? 20 : 9000), using: &chance)
            // Any finite value, the largest ones too; then up to three that are not.
            var words = (0..<count).map { _ in finiteWord(of: codec, &chance) }
            for _ in 0..<Int.random(in: 0...3, using: &chance) where count > 0 {
                let word = nonFiniteWords(of: codec).randomElement(using: &chance) ?? 0
                words[.random(in: 0..<count, using: &chance)] = word
            }
            let expected = words.firstIndex { !isFinite($0, codec) }
            // Any address, and bytes behind that are no whole value.
            let shift = Int.random(in: 0...8, using: &chance)
            let rest = Int.random(in: 0..<codec.alignment, using: &chance)
            var payload = [UInt8](repeating: 0xFF, count: shift)
            for word in words { payload += bytes(of: word, codec) }
            payload += [UInt8](repeating: 0xFF, count: rest)
            let found = firstNonFinite(payload[shift...], codec, columns: 1)
            #expect(found == expected, "seed \(seed), \(count) values at \(shift)")
        }
    }

    @Test("every exponent, sign and kind of mantissa is judged as the processor does", arguments: alone)
    func everyPattern(codec: PayloadCodec) {
        let words: [UInt32] =
            switch codec {
            case .bf16: (0...0xFFFF).map { $0 }
            default:
                (0..<512).flatMap { top in
                    [0, 1, 0x40_0000, 0x3F_FFFF, 0x7F_FFFF].map { UInt32(top) << 23 | $0 }
                }
            }
        let width = codec.alignment, places = 8 / codec.alignment
        for (index, word) in words.enumerated() {
            // Alone, and in a word of eight bytes.
            #expect(firstNonFinite(bytes(of: word, codec), codec, columns: 1) == (isFinite(word, codec) ? nil : 0))
            let place = index / 5 % places
            var payload = [UInt8](repeating: 0, count: 8)
            payload.replaceSubrange(place * width..<(place + 1) * width, with: bytes(of: word, codec))
            #expect(firstNonFinite(payload, codec, columns: 1) == (isFinite(word, codec) ? nil : place))
        }
    }

    @Test("a tensor too large to count has no byte count")
    func byteCount() {
        #expect(PayloadCodec.f32.byteCount(rows: 3, columns: 5) == 60)
        #expect(PayloadCodec.bf16.byteCount(rows: 3, columns: 5) == 30)
        #expect(PayloadCodec.int8.byteCount(rows: 3, columns: 5) == 3 * 7)
        #expect(PayloadCodec.int4.byteCount(rows: 3, columns: 5) == 3 * 5)
        #expect(PayloadCodec.f32.byteCount(rows: .max / 2, columns: 3) == nil)
        #expect(PayloadCodec.int8.byteCount(rows: .max / 2, columns: 1) == nil)
        #expect(PayloadCodec.bf16.byteCount(rows: .max / 2, columns: 2) == nil)
        for codec in PayloadCodec.allCases {
            #expect(codec.byteCount(rows: -1, columns: 2) == nil && codec.byteCount(rows: 1, columns: -2) == nil)
            #expect(codec.byteCount(rows: 1, columns: .max) == nil)
        }
    }

    private func isFinite(_ word: UInt32, _ codec: PayloadCodec) -> Bool {
        Float(bitPattern: codec == .f32 ? word : word << 16).isFinite
    }

    private func bytes(of word: UInt32, _ codec: PayloadCodec) -> [UInt8] {
        (0..<codec.alignment).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
    }

    private func finiteWord(of codec: PayloadCodec, _ chance: inout SeededGenerator) -> UInt32 {
        while true {
            let word = UInt32.random(in: 0...(codec == .f32 ? .max : 0xFFFF), using: &chance)
            if isFinite(word, codec) { return word }
        }
    }

    private func nonFiniteWords(of codec: PayloadCodec) -> [UInt32] {
        let words: [UInt32] = [0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0xFFFF_FFFF, 0x7F81_0000, 0x7FBF_0000]
        return codec == .f32 ? words + [0x7F80_0001, 0xFF80_0001] : words.map { $0 >> 16 }
    }

    private func randomValues(seed: UInt64) -> [Float] {
        var chance = SeededGenerator(seed: seed, stream: "wire/values")
        return (0..<1000).map { _ in Float(chance.normal()) * 8 }
    }

    private func throughCodec(_ codec: PayloadCodec, _ values: [Float]) -> [Float] {
        decoded(codec, encoded(codec, values, columns: values.count), columns: values.count)
    }

}

func firstNonFinite(_ bytes: some Collection<UInt8>, _ codec: PayloadCodec, columns: Int) -> Int? {
    let found = bytes.withContiguousStorageIfAvailable {
        codec.firstNonFinite(UnsafeRawBufferPointer($0), columns: columns)
    }
    return found ?? nil
}

func encoded(_ codec: PayloadCodec, _ values: [Float], columns: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: values.count / columns * codec.bytesPerRow(columns: columns))
    bytes.withUnsafeMutableBytes { bytes in
        values.withUnsafeBufferPointer { codec.encode($0, columns: columns, into: bytes) }
    }
    return bytes
}

func decoded(_ codec: PayloadCodec, _ bytes: [UInt8], columns: Int) -> [Float] {
    var values = [Float](repeating: 0, count: bytes.count / codec.bytesPerRow(columns: columns) * columns)
    bytes.withUnsafeBytes { bytes in
        values.withUnsafeMutableBufferPointer { codec.decode(bytes, columns: columns, into: $0) }
    }
    return values
}
