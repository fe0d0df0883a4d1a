/// Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations (Golub and Van Loan, Matrix Computations,
/// section 8.5).
struct SymmetricEigen {
    /// In descending order.
    let values: [Double]
    /// vectors[i] belongs to values[i]; all are orthonormal.
    let vectors: [[Double]]

    /// Sweeps after which the rest is rounding, for any matrix.
    private static let maximumSweeps = 60

    /// - Parameter matrix: symmetric, finite.
    init(_ matrix: [[Double]]) {
        let size = matrix.count
        var a = matrix
        var rotated = (0..<size).map { row in (0..<size).map { $0 == row ? 1.0 : 0 } }
        let scale = a.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }
        for _ in 0..<Self.maximumSweeps {
            let rest = (0..<size).reduce(0.0) { sum, row in
                sum + (row + 1..<size).reduce(0.0) { $0 + a[row][$1] * a[row][$1] }
            }
            guard rest > 1e-30 * scale else { break }
            for p in 0..<size {
                for q in p + 1..<size where a[p][q] != 0 { Self.rotate(&a, &rotated, p, q) }
            }
        }
        let order = (0..<size).sorted { (a[$1][$1], $0) < (a[$0][$0], $1) }
        values = order.map { a[$0][$0] }
        vectors = order.map { rotated[$0] }
    }

    /// Makes the entry at (p, q) zero. Row i of `rotated` is the vector that belongs to entry (i, i).
    private static func rotate(_ a: inout [[Double]], _ rotated: inout [[Double]], _ p: Int, _ q: Int) {
        let tau = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let tangent = (tau < 0 ? -1 : 1) / (abs(tau) + (1 + tau * tau).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot(), sine = tangent * cosine
        for k in a.indices {
            let (first, second) = (a[k][p], a[k][q])
            a[k][p] = cosine * first - sine * second
            a[k][q] = sine * first + cosine * second
        }
        for k in a.indices {
            let (first, second) = (a[p][k], a[q][k])
            a[p][k] = cosine * first - sine * second
            a[q][k] = sine * first + cosine * second
            let (own, other) = (rotated[p][k], rotated[q][k])
            rotated[p][k] = cosine * own - sine * other
            rotated[q][k] = sine * own + cosine * other
        }
    }
}
