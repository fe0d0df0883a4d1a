import COpenBLAS
import CProducts

/// Whether a factor enters a product as it is or transposed.
public enum Orientation: Sendable {
    case plain, transposed

    fileprivate var cblas: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
    var letter: CChar { CChar(UInt8(ascii: self == .plain ? "n" : "t")) }
}

extension Matrix {
    /// self = scale · a · b + keep · self.
    ///
    /// The product runs on the calling thread only: a `ComputePool` gives every core its own share of the tokens,
    /// which scales better than a threaded library.
    public func product(
        of a: Matrix, _ aOrientation: Orientation = .plain, and b: Matrix, _ bOrientation: Orientation = .plain,
        scale: Float = 1, keep: Float = 0
    ) {
        product(of: a, aOrientation, and: b, bOrientation, scale: scale, keep: keep, through: .chosen)
    }

    /// The same through one of the libraries.
    public func product(
        of a: Matrix, _ aOrientation: Orientation = .plain, and b: Matrix, _ bOrientation: Orientation = .plain,
        scale: Float = 1, keep: Float = 0, through library: MatrixLibrary
    ) {
        let (m, inner) = aOrientation == .plain ? (a.rows, a.columns) : (a.columns, a.rows)
        let (innerOfB, n) = bOrientation == .plain ? (b.rows, b.columns) : (b.columns, b.rows)
        precondition(m == rows && n == columns && inner == innerOfB, "shapes of a matrix product do not fit")
        guard m > 0, n > 0 else { return }
        pf_product_begin()
        defer { pf_product_end() }
        let isLarge = m * n * inner > ProductShape.smallMultiplications
        if isLarge, n >= ProductShape.narrowest, library == .oneDNN {
            let isComputed = pf_onednn_sgemm(
                aOrientation.letter, bOrientation.letter, Int64(m), Int64(n), Int64(inner), scale, a.base,
                Int64(a.stride), b.base, Int64(b.stride), keep, base, Int64(stride))
            if isComputed { return }
        }
        ProductShape.useCallingThreadOnly
        let rowsAtOnce = isLarge && n < ProductShape.narrowest ? ProductShape.rowsAtOnce(n: n, inner: inner) : m
        for first in Swift.stride(from: 0, to: m, by: rowsAtOnce) {
            let aRows = aOrientation == .plain ? a.base + first * a.stride : a.base + first
            cblas_sgemm(
                CblasRowMajor, aOrientation.cblas, bOrientation.cblas, Int32(min(rowsAtOnce, m - first)), Int32(n),
                Int32(inner), scale, aRows, Int32(a.stride), b.base, Int32(b.stride), keep, base + first * stride,
                Int32(stride))
        }
    }
}

/// Which shapes go where, as measured on Zen 4: docs/architecture.md has the figures.
private enum ProductShape {
    /// OpenBLAS has kernels of their own for products of up to 100³, which no other product of few columns comes near.
    static let smallMultiplications = 1_000_000
    /// Columns below which oneDNN gets a third of its speed.
    static let narrowest = 16

    /// Rows of a narrow product that together are a small one.
    static func rowsAtOnce(n: Int, inner: Int) -> Int { max(1, smallMultiplications / (n * max(1, inner))) }

    /// Set once, before the first product.
    static let useCallingThreadOnly: Void = openblas_set_num_threads(1)
}
