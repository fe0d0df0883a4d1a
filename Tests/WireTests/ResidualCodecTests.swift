import CKernels
import Randomness
import Testing
import Wire

@Suite("Codec with residuals")
struct ResidualCodecTests {
    private let codec = PayloadCodec.int4Residual

    @Test("a row is its blocks in int4 and then its largest errors, in every set of kernels")
    func reference() {
        let seed: UInt64 = 51
        var chance = SeededGenerator(seed: seed, stream: "wire/residuals")
        for columns in [1, 2, 33, 64, 100, 576, 768] {
            let pairs = (columns + 31) / 32
            let values = (0..<3 * columns).map { _ in Float(chance.normal()) * (chance.uniform() < 0.02 ? 90 : 1) }
            let blocks = encoded(.int4, values, columns: columns)
            let coarse = decoded(.int4, blocks, columns: columns)
            let rowBytes = PayloadCodec.int4.bytesPerRow(columns: columns)
            var expected: [UInt8] = []
            for row in 0..<3 {
                expected += blocks[row * rowBytes..<(row + 1) * rowBytes]
                let errors = (row * columns..<(row + 1) * columns).map { values[$0] - coarse[$0] }
                // A stable order: of equal errors the first column's.
                let largest = errors.indices.sorted { (abs(errors[$0]), $1) > (abs(errors[$1]), $0) }.prefix(pairs)
                for column in largest.sorted() {
                    expected += [UInt8(truncatingIfNeeded: column), UInt8(column >> 8)]
                    expected += encoded(.bf16, [errors[column]], columns: 1)
                }
            }
            #expect(encoded(codec, values, columns: columns) == expected, "seed \(seed), \(columns) columns")
            var portable = [UInt8](repeating: 0, count: expected.count)
            var errors = [Float](repeating: 0, count: columns), magnitudes = [Int32](repeating: 0, count: columns)
            pf_kernels_portable.to_residuals(values, &portable, 3, columns, pairs, &errors, &magnitudes)
            #expect(portable == expected, "seed \(seed), \(columns) columns")
            let found = decoded(codec, expected, columns: columns)
            var other = [Float](repeating: 0, count: found.count)
            pf_kernels_portable.from_residuals(portable, &other, 3, columns, pairs)
            #expect(other == found)
            let (before, after) = (error(values, coarse), error(values, found))
            #expect(after < before, "seed \(seed), \(columns) columns")
        }
    }

    @Test("a number far beyond its block's others costs them nothing when its errors are among the largest")
    func outlier() {
        // One block of 64 in a row of 2,048: 63 errors, and as many pairs.
        var values = [Float](repeating: 0, count: 2048)
        for column in 0..<64 { values[column] = 1 + Float(column) / 64 }
        values[5] = 27_222
        let found = decoded(codec, encoded(codec, values, columns: 2048), columns: 2048)
        #expect(values.indices.allSatisfy { abs(values[$0] - found[$0]) <= abs(values[$0]) * 0x1p-8 })
        #expect(decoded(.int4, encoded(.int4, values, columns: 2048), columns: 2048)[6] == 0)
    }

    @Test("whatever the bytes are, they are refused or every number is finite")
    func hostile() {
        let seed: UInt64 = 52
        var chance = SeededGenerator(seed: seed, stream: "wire/residuals")
        var taken = 0
        for round in 0..<4000 {
            let columns = Int.random(in: 1...100, using: &chance)
            var bytes = (0..<codec.bytesPerRow(columns: columns)).map { _ in UInt8.random(in: 0...255, using: &chance) }
            // Columns that repeat themselves, and scales and errors about as large as can be.
            let first = PayloadCodec.int4.bytesPerRow(columns: columns)
            for place in stride(from: first, to: bytes.count, by: 4) {
                bytes.replaceSubrange(place..<place + 4, with: [UInt8(chance.next() % 4), 0, 0xFF, 0x7E])
            }
            bytes[1] = UInt8.random(in: 0x7A...0x7F, using: &chance)
            guard firstNonFinite(bytes, codec, columns: columns) == nil else { continue }
            taken += 1
            let found = decoded(codec, bytes, columns: columns)
            #expect(found.allSatisfy { $0.isFinite }, "seed \(seed), round \(round)")
        }
        #expect(taken > 100)
    }

    private func error(_ values: [Float], _ others: [Float]) -> Float {
        zip(values, others).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
}
