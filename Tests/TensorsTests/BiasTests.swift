import Randomness
import Support
import Tensors
import Testing

@Suite("Biases")
struct BiasTests {
    @Test("a row is added to every row, and to nothing beside them", arguments: 0..<2, 0..<6)
    func addRow(set: Int, number: Int) {
        var generator = SeededGenerator(seed: UInt64(number), stream: "add-row")
        let (rows, columns) = randomShape(using: &generator)
        let x = randomMatrix(rows, columns, gap: number, using: &generator)
        let bias = randomMatrix(1, columns, using: &generator)
        let before = x.values
        kernelSets[set].addRow(bias, to: x)
        #expect(x.values == before.indices.map { before[$0] + bias[0, $0 % columns] })
        let gaps = (0..<rows).flatMap { row in (columns..<columns + number).map { x.base[row * x.stride + $0] } }
        #expect(gaps.allSatisfy { $0.isNaN })
    }

    @Test("the sums of columns are added to what is there", arguments: 0..<2, 0..<6)
    func columnSums(set: Int, number: Int) {
        var generator = SeededGenerator(seed: UInt64(number), stream: "column-sums")
        let (rows, columns) = randomShape(using: &generator)
        let g = randomMatrix(rows, columns, gap: number, using: &generator)
        let sums = randomMatrix(1, columns, using: &generator)
        let expected = (0..<columns).map { column in
            Float((0..<rows).reduce(Double(sums[0, column])) { $0 + Double(g[$1, column]) })
        }
        kernelSets[set].addColumnSums(of: g, to: sums)
        #expect(relativeDifference(sums.values, expected) < 2e-6)
    }
}
