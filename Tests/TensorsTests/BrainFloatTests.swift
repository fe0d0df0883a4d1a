import CKernels
import Foundation
import Randomness
import Support
import Testing

@testable import Tensors

@Suite("Weights as bfloat16 numbers")
struct BrainFloatTests {
    @Test("each number becomes the nearest, ties to even", arguments: [Kernels.best, Kernels.portable])
    func nearest(kernels: Kernels) {
        let cases: [(Float, UInt16)] = [
            (0, 0), (-0.0, 0x8000), (1, 0x3F80), (-2, 0xC000), (.infinity, 0x7F80), (-.infinity, 0xFF80),
            // Half-way between two: to the even one, down and up.
            (Float(bitPattern: 0x3F80_8000), 0x3F80), (Float(bitPattern: 0x3F81_8000), 0x3F82),
            (Float(bitPattern: 0x3F80_8001), 0x3F81), (Float(bitPattern: 0x3F80_7FFF), 0x3F80),
            // The largest float is nearer to infinity, the smallest to zero.
            (.greatestFiniteMagnitude, 0x7F80), (.leastNonzeroMagnitude, 0), (Float(bitPattern: 0x0001_0000), 1),
        ]
        let x = Storage(count: cases.count).matrix(rows: 1, columns: cases.count)
        for (place, one) in cases.enumerated() { x.base[place] = one.0 }
        #expect(rounded(x, kernels) == cases.map(\.1))
        let none = Storage(count: 1).matrix(rows: 1, columns: 1)
        for pattern in [0x7F80_0001, 0x7FC0_0000, 0xFFFF_FFFF] as [UInt32] {
            none.base[0] = Float(bitPattern: pattern)
            #expect(Float(bitPattern: UInt32(rounded(none, kernels)[0]) << 16).isNaN)
        }
    }

    @Test("numbers come back within 2^-9 of what they were, and exactly if they were short")
    func back() {
        var generator = SeededGenerator(seed: 5, stream: "bf16")
        let x = Storage(normal: 3 * 37, using: &generator).matrix(rows: 3, columns: 37)
        let short = BrainFloatMatrix(nearest: x).floats
        for (value, original) in zip(short.values, x.values) {
            #expect(abs(value - original) <= abs(original) * 0x1p-8)
        }
        #expect(BrainFloatMatrix(nearest: short).floats.values == short.values)
    }

    @Test("a product of any shape and orientation equals that of the short numbers", arguments: [false, true])
    func products(isNative: Bool) {
        guard !isNative || BrainFloatMatrix.isMultiplied else { return }
        var generator = SeededGenerator(seed: 6, stream: "bf16")
        for round in 0..<40 {
            // Some of more tokens, or weights, than are taken at once.
            let tokens = round == 0 ? 3600 : Int.random(in: 1...70, using: &generator)
            let rows = round == 1 ? 900 : Int.random(in: 1...60, using: &generator)
            let columns = round < 2 ? 300 : Int.random(in: 1...60, using: &generator)
            let w = BrainFloatMatrix(
                nearest: Storage(normal: rows * columns, using: &generator).matrix(
                    rows: rows, columns: columns))
            for orientation in [Orientation.plain, .transposed] {
                let (inner, n) = orientation == .plain ? (rows, columns) : (columns, rows)
                // Every second half of a row belongs to somebody else.
                let a = Storage(normal: tokens * inner * 2, using: &generator)
                    .matrix(rows: tokens, columns: inner, stride: 2 * inner)
                let result = Storage(normal: tokens * n, using: &generator).matrix(rows: tokens, columns: n)
                let expected = Storage(count: tokens * n).matrix(rows: tokens, columns: n)
                expected.copy(from: result)
                let factor = isNative ? BrainFloatMatrix(nearest: a).floats : a
                expected.product(
                    of: factor, .plain, and: w.floats, orientation, scale: 1, keep: 1, through: .openBLAS)
                w.product(of: a, orientation, into: result, keep: 1, isNative: isNative)
                #expect(
                    relativeDifference(result.values, expected.values) < 1e-5, "\(tokens) x \(rows) x \(columns)")
            }
        }
    }

    private func rounded(_ x: Matrix, _ kernels: Kernels) -> [UInt16] {
        [UInt16](unsafeUninitializedCapacity: x.count) { memory, count in
            if let base = memory.baseAddress {
                kernels.table.pointee.to_bf16(x.base, x.stride, base, x.rows, x.columns)
            }
            count = x.count
        }
    }
}
