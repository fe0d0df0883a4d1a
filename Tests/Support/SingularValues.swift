import Tensors

/// The singular value decomposition of a small matrix by one-sided Jacobi rotations: plain, for tests to compare with.
public struct SingularValues {
    /// Descending.
    public let values: [Double]
    /// Columns of U · Σ, in the order of `values`.
    private let scaledLeft: [[Double]]
    /// Rows of Vᵀ, in the order of `values`.
    private let right: [[Double]]

    /// Decomposes a matrix.
    public init(_ matrix: Matrix) {
        var columns = (0..<matrix.columns).map { column in (0..<matrix.rows).map { Double(matrix[$0, column]) } }
        var rotation = columns.indices.map { i in columns.indices.map { $0 == i ? 1.0 : 0 } }
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        func rotate(_ all: inout [[Double]], _ p: Int, _ q: Int, _ c: Double, _ s: Double) {
            for i in all[p].indices {
                (all[p][i], all[q][i]) = (c * all[p][i] - s * all[q][i], s * all[p][i] + c * all[q][i])
            }
        }
        for _ in 0..<60 {
            for p in columns.indices {
                for q in columns.indices where q > p {
                    let (a, b, g) = (
                        dot(columns[p], columns[p]), dot(columns[q], columns[q]), dot(columns[p], columns[q])
                    )
                    guard abs(g) > 1e-15 * (a * b).squareRoot() else { continue }
                    let zeta = (b - a) / (2 * g)
                    let t = (zeta < 0 ? -1.0 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
                    let c = 1 / (1 + t * t).squareRoot()
                    rotate(&columns, p, q, c, c * t)
                    rotate(&rotation, p, q, c, c * t)
                }
            }
        }
        let norms = columns.map { dot($0, $0).squareRoot() }
        let order = norms.indices.sorted { norms[$0] > norms[$1] }
        values = order.map { norms[$0] }
        scaledLeft = order.map { columns[$0] }
        right = order.map { rotation[$0] }
    }

    /// The best approximation of a rank, row by row.
    public func truncated(rank: Int) -> [Double] {
        scaledLeft[0].indices.flatMap { row in
            right[0].indices.map { column in
                (0..<rank).reduce(0) { $0 + scaledLeft[$1][row] * right[$1][column] }
            }
        }
    }
}
