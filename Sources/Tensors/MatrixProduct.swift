import COpenBLAS

/// Whether a factor enters a product as it is or transposed.
public enum Orientation: Sendable {
    case plain, transposed

    var cblas: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
}

extension Matrix {
    /// self = scale · a · b + keep · self, through OpenBLAS.
    ///
    /// The product runs on the calling thread only: a `ComputePool` gives every core its own share of the tokens,
    /// which scales better than a threaded library.
    public func product(
        of a: Matrix, _ aOrientation: Orientation = .plain, and b: Matrix, _ bOrientation: Orientation = .plain,
        scale: Float = 1, keep: Float = 0
    ) {
        let (m, inner) = aOrientation == .plain ? (a.rows, a.columns) : (a.columns, a.rows)
        let (innerOfB, n) = bOrientation == .plain ? (b.rows, b.columns) : (b.columns, b.rows)
        precondition(m == rows && n == columns && inner == innerOfB, "shapes of a matrix product do not fit")
        guard m > 0, n > 0 else { return }
        BLASThreads.useCallingThreadOnly
        cblas_sgemm(
            CblasRowMajor, aOrientation.cblas, bOrientation.cblas, Int32(m), Int32(n), Int32(inner), scale,
            a.base, Int32(a.stride), b.base, Int32(b.stride), keep, base, Int32(stride))
    }
}

private enum BLASThreads {
    /// Set once, before the first product.
    static let useCallingThreadOnly: Void = openblas_set_num_threads(1)
}

/// What OpenBLAS says of its version and the kernels that it chose.
public func matrixLibraryDescription() -> String {
    openblas_get_config().map { String(cString: $0) } ?? "OpenBLAS"
}
