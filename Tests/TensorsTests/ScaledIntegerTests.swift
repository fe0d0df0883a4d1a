import Foundation
import Randomness
import Support
import Testing

@testable import Tensors

@Suite("Weights as scaled whole numbers")
struct ScaledIntegerTests {
    @Test("numbers come back within half a code of what they were, and exactly if they were such numbers")
    func back() {
        var generator = SeededGenerator(seed: 5, stream: "int8")
        // A row's last block is shorter.
        let x = Storage(normal: 5 * 150, using: &generator).matrix(rows: 5, columns: 150)
        let kept = ScaledIntegerMatrix(nearest: x).floats
        for row in 0..<5 {
            for first in Swift.stride(from: 0, to: 150, by: 64) {
                let block = first..<min(first + 64, 150)
                let largest = block.map { abs(x[row, $0]) }.max() ?? 0
                // The scale is rounded to 8 bits, so that the largest code may be cut off by that much.
                for column in block {
                    #expect(abs(kept[row, column] - x[row, column]) <= largest * (0.5 / 127 + 0x1p-8))
                }
            }
        }
        #expect(relativeDifference(kept.values, x.values) < 0.01)
        #expect(ScaledIntegerMatrix(nearest: kept).floats.values == kept.values)
    }

    @Test("they take a code each, and two bytes for 64 of them")
    func room() {
        #expect(ScaledIntegerMatrix.floats(768, 768) * 4 == 768 * (768 + 2 * 12))
        #expect(ScaledIntegerMatrix.floats(1, 65) * 4 == 72)
        #expect(ScaledIntegerMatrix.floats(0, 65) == 0)
    }

    @Test("a product of any shape and orientation equals that of the numbers as floats")
    func products() {
        var generator = SeededGenerator(seed: 6, stream: "int8")
        for round in 0..<40 {
            let tokens = Int.random(in: 1...70, using: &generator)
            // Some of more weights than become floats at once.
            let rows = round == 0 ? 900 : Int.random(in: 1...60, using: &generator)
            let columns = round == 0 ? 300 : Int.random(in: 1...200, using: &generator)
            let w = WeightMatrix(
                Storage(normal: rows * columns, using: &generator).matrix(rows: rows, columns: columns), as: .int8)
            guard case .int8(let numbers) = w else { preconditionFailure() }
            for orientation in [Orientation.plain, .transposed] {
                let (inner, n) = orientation == .plain ? (rows, columns) : (columns, rows)
                let a = Storage(normal: tokens * inner * 2, using: &generator)
                    .matrix(rows: tokens, columns: inner, stride: 2 * inner)
                let result = Storage(normal: tokens * n, using: &generator).matrix(rows: tokens, columns: n)
                let expected = Storage(count: tokens * n).matrix(rows: tokens, columns: n)
                expected.copy(from: result)
                expected.product(of: a, and: numbers.floats, orientation, keep: 1)
                result.product(of: a, and: w, orientation, keep: 1)
                #expect(
                    relativeDifference(result.values, expected.values) < 1e-5, "\(tokens) x \(rows) x \(columns)")
            }
        }
    }
}
