/// A row-major matrix of numbers that are kept shorter than floats.
///
/// Written before anybody reads it and never again, so that any number of threads may read it.
protocol ShortMatrix: Sendable {
    /// Of rows.
    var rows: Int { get }
    /// Numbers of one row.
    var columns: Int { get }
    /// What the numbers lie in.
    var storage: Storage { get }

    /// Some rows as floats.
    func copy(rows range: Range<Int>, to floats: UnsafeMutablePointer<Float>)
}

extension ShortMatrix {
    /// All of it as floats.
    var floats: Matrix {
        let matrix = Storage(count: rows * columns).matrix(rows: rows, columns: columns)
        copy(rows: 0..<rows, to: matrix.base)
        return matrix
    }

    /// result = a · self + keep · result, or a · selfᵀ: some rows become floats at a time.
    func multiplyAsFloats(_ a: Matrix, _ orientation: Orientation, into result: Matrix, keep: Float) {
        let rowsAtOnce = max(1, ShortMatrices.floatsAtOnce / max(1, columns))
        let memory = ThreadScratch.memory(of: Float.self, count: min(rowsAtOnce, rows) * columns)
        for first in Swift.stride(from: 0, to: rows, by: rowsAtOnce) {
            let part = first..<min(first + rowsAtOnce, rows)
            copy(rows: part, to: memory)
            let floats = Matrix(base: memory, rows: part.count, columns: columns, stride: columns, storage: storage)
            if orientation == .transposed {
                result.columns(part).product(of: a, and: floats, .transposed, keep: keep)
            } else {
                result.product(of: a.columns(part), and: floats, keep: first == 0 ? keep : 1)
            }
        }
    }
}

private enum ShortMatrices {
    /// Floats that the numbers become at once: 512 KiB, which stay in the second cache.
    static let floatsAtOnce = 128 << 10
}
