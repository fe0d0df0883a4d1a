import COpenBLAS
import CProducts

/// M = U diag(values) V, with min(rows, columns) singular values in descending order.
public struct SingularValueDecomposition: Sendable {
    /// [rows, K].
    public let u_RK: Matrix
    /// K of them.
    public let values: [Float]
    /// [K, columns].
    public let v_KC: Matrix

    /// By LAPACK's divide and conquer, `sgesdd`.
    ///
    /// - Returns: nil where it does not converge, such as for numbers that are not finite.
    public init?(_ matrix: Matrix) {
        let count = min(matrix.rows, matrix.columns)
        guard count > 0 else { return nil }
        pf_openblas_choose()
        // LAPACK goes by columns, and so it sees the transpose, whose left vectors are the right ones here.
        let copy = matrix.copied(), u = Storage(count: matrix.rows * count), v = Storage(count: count * matrix.columns)
        var rows = blasint(matrix.columns), columns = blasint(matrix.rows), inner = blasint(count)
        var values = [Float](repeating: 0, count: count), integers = [blasint](repeating: 0, count: 8 * count)
        var job = CChar(UInt8(ascii: "S")), size = blasint(-1), info = blasint(0),
            wanted = [Float](repeating: 0, count: 1)
        let base = copy.matrix(rows: matrix.rows, columns: matrix.columns).base
        let left = v.matrix(rows: count, columns: matrix.columns), right = u.matrix(rows: matrix.rows, columns: count)
        // The first call says how much memory the second one wants.
        for _ in 0..<2 {
            sgesdd_(
                &job, &rows, &columns, base, &rows, &values, left.base, &rows, right.base, &inner, &wanted, &size,
                &integers, &info)
            guard info == 0 else { return nil }
            guard size < 0 else { break }
            size = blasint(wanted[0].rounded(.up))
            wanted = [Float](repeating: 0, count: max(1, Int(size)))
        }
        u_RK = right
        v_KC = left
        self.values = values
    }
}
