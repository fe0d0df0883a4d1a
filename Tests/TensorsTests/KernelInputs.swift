import Randomness
import Support
import Tensors

/// The instruction sets that every kernel is tested in.
let kernelSets = [Kernels.portable, Kernels.best]

/// Rows of normal floats, each followed by a gap of NaN that belongs to somebody else.
func randomMatrix(
    _ rows: Int, _ columns: Int, gap: Int = 0, scale: Double = 1, using generator: inout SeededGenerator
) -> Matrix {
    let storage = Storage(count: rows * (columns + gap))
    storage.matrix(rows: rows, columns: columns + gap).fill(.nan)
    let matrix = storage.matrix(rows: rows, columns: columns, stride: columns + gap)
    let values = Storage(normal: rows * columns, scale: scale, using: &generator)
    matrix.copy(from: values.matrix(rows: rows, columns: columns))
    return matrix
}

/// Zeroes of a shape.
func zeroMatrix(_ rows: Int, _ columns: Int) -> Matrix {
    Storage(count: rows * columns).matrix(rows: rows, columns: columns)
}

/// The shape of one test case, odd more often than not.
func randomShape(using generator: inout SeededGenerator) -> (rows: Int, columns: Int) {
    (Int.random(in: 1...23, using: &generator), Int.random(in: 1...131, using: &generator))
}

extension Matrix {
    /// A row in double precision.
    func doubles(_ row: Int) -> [Double] { (0..<columns).map { Double(self[row, $0]) } }
}
