import CKernels
import Randomness
import Testing
import Wire

@Suite("Codecs in blocks")
struct BlockCodecTests {
    private static let codecs: [PayloadCodec] = [.int8, .int4]
    /// Shorter than a block, whole blocks, and blocks with a rest, odd ones too.
    private static let widths = [1, 2, 7, 63, 64, 65, 128, 191, 576, 768]

    @Test("every set of kernels writes and reads what the plain form does, byte for byte", arguments: codecs)
    func reference(codec: PayloadCodec) {
        let seed: UInt64 = 41
        var chance = SeededGenerator(seed: seed, stream: "wire/blocks")
        for columns in Self.widths {
            let values = randomValues(rows: 5, columns: columns, &chance)
            let expected = PlainBlocks(codec).encoded(values, columns: columns)
            let numbers = PlainBlocks(codec).decoded(expected, columns: columns)
            for kernels in [withUnsafePointer(to: pf_kernels_portable) { $0.pointee }, pf_kernels_best().pointee] {
                var bytes = [UInt8](repeating: 0xAA, count: expected.count)
                kernels.to_blocks(values, &bytes, 5, columns, codec == .int4 ? 4 : 8)
                #expect(bytes == expected, "seed \(seed), \(columns) columns")
                var found = [Float](repeating: .nan, count: values.count)
                kernels.from_blocks(bytes, &found, 5, columns, codec == .int4 ? 4 : 8)
                #expect(found.map(\.bitPattern) == numbers.map(\.bitPattern), "seed \(seed), \(columns) columns")
            }
            #expect(encoded(codec, values, columns: columns) == expected)
            #expect(decoded(codec, expected, columns: columns) == numbers)
        }
    }

    @Test("no number moves by more than half its block's scale", arguments: codecs)
    func bound(codec: PayloadCodec) {
        let seed: UInt64 = 42
        var chance = SeededGenerator(seed: seed, stream: "wire/blocks")
        for columns in Self.widths {
            let values = randomValues(rows: 20, columns: columns, &chance)
            let found = decoded(codec, encoded(codec, values, columns: columns), columns: columns)
            for (start, end) in PlainBlocks.ranges(count: values.count, columns: columns) {
                let largest = values[start..<end].map(abs).max() ?? 0
                // The scale is a bfloat16: at most 2^-8 of itself beside the quotient, or 0.
                let scale = max(largest / PlainBlocks(codec).limit * (1 + 0x1p-8), 0x1p-125 * PlainBlocks(codec).limit)
                for (value, other) in zip(values[start..<end], found[start..<end]) {
                    #expect(abs(value - other) <= scale / 2 * (1 + 0x1p-20), "seed \(seed), \(value) as \(other)")
                }
            }
        }
    }

    @Test("a model's rows take at most 0.27 of their bytes in f32, or 0.14")
    func size() {
        for columns in [576, 768, 1024, 2048, 960] {
            let full = Double(PayloadCodec.f32.bytesPerRow(columns: columns))
            #expect(Double(PayloadCodec.int8.bytesPerRow(columns: columns)) <= 0.27 * full)
            #expect(Double(PayloadCodec.int4.bytesPerRow(columns: columns)) <= 0.14 * full)
        }
    }

    @Test("rows are written each by itself", arguments: PayloadCodec.allCases)
    func rows(codec: PayloadCodec) {
        var chance = SeededGenerator(seed: 43, stream: "wire/blocks")
        let values = randomValues(rows: 9, columns: 100, &chance)
        let each = (0..<9).flatMap { encoded(codec, Array(values[$0 * 100..<($0 + 1) * 100]), columns: 100) }
        #expect(encoded(codec, values, columns: 100) == each)
    }

    @Test("numbers at the ends of the range stay finite, and blocks of zeros stay zeros", arguments: codecs)
    func ends(codec: PayloadCodec) {
        let values: [Float] = [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0, 0x1p127]
        let found = decoded(codec, encoded(codec, values, columns: 4), columns: 4)
        #expect(found.allSatisfy { $0.isFinite })
        #expect(zip(values, found).allSatisfy { abs($0 - $1) <= .greatestFiniteMagnitude / 7 })
        for small in [0, -0.0, .leastNonzeroMagnitude, -0x1p-126] as [Float] {
            #expect(decoded(codec, encoded(codec, [small, small], columns: 2), columns: 2) == [0, 0])
        }
    }

    @Test("ties go to the even code")
    func ties() {
        // The scale is 1: the codes are the numbers, rounded.
        let codes = decoded(.int8, encoded(.int8, [127, 0.5, 1.5, 2.5, -0.5, -1.5, 125.5], columns: 7), columns: 7)
        #expect(codes == [127, 0, 2, 2, 0, -2, 126])
        let halves = decoded(.int4, encoded(.int4, [7, 0.5, 1.5, 2.5, -0.5, -1.5, -5.5], columns: 7), columns: 7)
        #expect(halves == [7, 0, 2, 2, 0, -2, -6])
    }

    @Test("a number that is not finite costs its block alone", arguments: codecs, [.nan, .infinity] as [Float])
    func nonFinite(codec: PayloadCodec, bad: Float) {
        var values = (0..<200).map { Float($0) - 90 }
        values[70] = bad
        let bytes = encoded(codec, values, columns: 200)
        #expect(firstNonFinite(bytes, codec, columns: 200) == 64)
        let found = decoded(codec, bytes, columns: 200)
        #expect(found.indices.filter { !found[$0].isFinite } == Array(64..<128))
    }

    @Test("whatever the bytes are, they are refused or every number is finite", arguments: codecs)
    func hostile(codec: PayloadCodec) {
        for scale in 0...UInt16.max {
            for code in [0x00, 0x80] as [UInt8] {
                let bytes = [UInt8(truncatingIfNeeded: scale), UInt8(scale >> 8), code]
                let isFinite = decoded(codec, bytes, columns: 1).allSatisfy(\.isFinite)
                if firstNonFinite(bytes, codec, columns: 1) == nil, !isFinite {
                    Issue.record("scale \(scale), code \(code)")
                }
            }
        }
    }

    private func randomValues(rows: Int, columns: Int, _ chance: inout SeededGenerator) -> [Float] {
        (0..<rows).flatMap { _ in
            // Rows of very different sizes, with zeros and numbers that stand out.
            let size = Float(sign: .plus, exponent: Int.random(in: -130...100, using: &chance), significand: 1)
            return (0..<columns).map { _ in
                let number = Float(chance.normal()) * size
                return switch Int.random(in: 0..<40, using: &chance) {
                case 0: 0 as Float
                case 1: size * 50
                default: number
                }
            }
        }
    }
}

/// The blocks of a codec as their definition has them.
struct PlainBlocks {
    let bits: Int
    let limit: Float

    init(_ codec: PayloadCodec) {
        bits = codec == .int4 ? 4 : 8
        limit = codec == .int4 ? 7 : 127
    }

    /// First and end of each block.
    static func ranges(count: Int, columns: Int) -> [(Int, Int)] {
        stride(from: 0, to: count, by: columns).flatMap { row in
            stride(from: row, to: row + columns, by: 64).map { ($0, min($0 + 64, row + columns)) }
        }
    }

    func encoded(_ values: [Float], columns: Int) -> [UInt8] {
        Self.ranges(count: values.count, columns: columns).flatMap { start, end in block(Array(values[start..<end])) }
    }

    private func block(_ values: [Float]) -> [UInt8] {
        let scaleBits = encodedBF16((values.map(abs).max() ?? 0) / limit)
        let isZero = scaleBits < 0x0080
        let scale = Float(bitPattern: UInt32(scaleBits) << 16)
        let codes = values.map { isZero ? 0 : Int(($0 / scale).rounded(.toNearestOrEven)) }
        let head = isZero ? [0, 0] : [UInt8(truncatingIfNeeded: scaleBits), UInt8(scaleBits >> 8)]
        guard bits == 4 else { return head + codes.map { UInt8(bitPattern: Int8($0)) } }
        return head
            + stride(from: 0, to: codes.count, by: 2).map {
                UInt8(codes[$0] + 8) | UInt8(($0 + 1 < codes.count ? codes[$0 + 1] : 0) + 8) << 4
            }
    }

    private func encodedBF16(_ value: Float) -> UInt16 {
        let lower = value.bitPattern >> 16, rest = value.bitPattern & 0xFFFF
        return UInt16(rest > 0x8000 || rest == 0x8000 && lower % 2 == 1 ? lower + 1 : lower)
    }

    func decoded(_ bytes: [UInt8], columns: Int) -> [Float] {
        var values: [Float] = [], next = 0
        while next < bytes.count {
            let count = min(64, columns - values.count % columns)
            let scale = Float(bitPattern: (UInt32(bytes[next]) | UInt32(bytes[next + 1]) << 8) << 16)
            next += 2
            for i in 0..<count {
                let code =
                    bits == 8
                    ? Int(Int8(bitPattern: bytes[next + i])) : Int(bytes[next + i / 2] >> (i % 2 * 4) & 15) - 8
                values.append(Float(code) * scale)
            }
            next += bits == 8 ? count : (count + 1) / 2
        }
        return values
    }
}
