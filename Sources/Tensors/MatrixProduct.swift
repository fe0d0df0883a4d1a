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
        let factors = ProductFactors(
            a: a, aOrientation: aOrientation, b: b, bOrientation: bOrientation, scale: scale, keep: keep)
        if aOrientation == .plain {
            productOfTokens(factors, through: library)
        } else if m * n * inner <= ProductShape.smallMultiplications {
            productByOpenBLAS(factors)
        } else if n < ProductShape.narrowest {
            productByOpenBLAS(factors, rowsAtOnce: ProductShape.rowsAtOnce(n: n, inner: inner))
        } else if library == .openBLAS || !productByOneDNN(factors) {
            productByOpenBLAS(factors)
        }
    }
}

// Tokens are the rows of a plain factor. How many there are must change no token's bits: it chooses neither a library nor its
// kernels, and where a library sums some rows or columns in an order of their own, zeros make more of them.
extension Matrix {
    private func productOfTokens(_ factors: ProductFactors, through library: MatrixLibrary) {
        if library == .oneDNN, columns >= ProductShape.narrowest, productOfTokensByOneDNN(factors) { return }
        let wide = columns / ProductShape.narrowest * ProductShape.narrowest
        if wide > 0 { columns(0..<wide).wideProduct(factors.columns(0..<wide)) }
        if wide < columns { columns(wide..<columns).narrowProduct(factors.columns(wide..<columns)) }
    }

    private func productOfTokensByOneDNN(_ factors: ProductFactors) -> Bool {
        if ProductShape.uncertainInner.contains(factors.inner) {
            let half = factors.inner / 2
            var second = factors.inner(half..<factors.inner)
            second.keep = 1
            return productOfTokensByOneDNN(factors.inner(0..<half)) && productOfTokensByOneDNN(second)
        }
        return withWholeRows(of: factors.a, keep: factors.keep) { $1.productByOneDNN(factors.with(a: $0)) }
    }

    /// Of a number of columns that sixteen divides. Small ones are computed so many columns at a time: with more, OpenBLAS's
    /// kernels for small products sum the last rows as they do no others.
    private func wideProduct(_ factors: ProductFactors) {
        let width = ProductShape.narrowest
        if ProductShape.fewestRows * columns * factors.inner > ProductShape.smallMultiplications {
            return withEnoughRows(of: factors.a, keep: factors.keep) { $1.productByOpenBLAS(factors.with(a: $0)) }
        }
        let rowsAtOnce = ProductShape.rowsAtOnce(n: width, inner: factors.inner)
        for first in Swift.stride(from: 0, to: columns, by: width) {
            let part = first..<first + width
            columns(part).productByOpenBLAS(factors.columns(part), rowsAtOnce: rowsAtOnce)
        }
    }

    /// Of fewer columns than `narrowest`: of a number that four divides.
    private func narrowProduct(_ factors: ProductFactors) {
        let width = (columns + 3) & ~3, inner = factors.inner
        let rowsAtOnce = min(rows, ProductShape.rowsAtOnce(n: width, inner: inner))
        guard width > columns else { return productByOpenBLAS(factors, rowsAtOnce: rowsAtOnce) }
        let memory = ThreadScratch.memory(of: Float.self, count: (inner + rowsAtOnce) * width, for: .product)
        func matrix(_ rows: Int, _ columns: Int, at offset: Int) -> Matrix {
            Matrix(base: memory + offset, rows: rows, columns: columns, stride: columns, storage: storage)
        }
        let isPlain = factors.bOrientation == .plain
        let b = isPlain ? matrix(inner, width, at: 0) : matrix(width, inner, at: 0)
        b.fill(0)
        (isPlain ? b.columns(0..<columns) : b.rows(0..<columns)).copy(from: factors.b)
        for first in Swift.stride(from: 0, to: rows, by: rowsAtOnce) {
            let part = first..<min(first + rowsAtOnce, rows)
            let result = matrix(part.count, width, at: inner * width), own = result.columns(0..<columns)
            if factors.keep != 0 {
                result.fill(0)
                own.copy(from: rows(part))
            }
            result.productByOpenBLAS(factors.rows(part).with(b: b))
            rows(part).copy(from: own)
        }
    }

    /// Calls `multiply`, which asks oneDNN, with some tokens of a factor and of the result at a time, such that it sums those
    /// of each as it would among any others. Returns whether all were computed.
    func withWholeRows(of a: Matrix, keep: Float, _ multiply: (Matrix, Matrix) -> Bool) -> Bool {
        let (all, few) = (rows, ProductShape.fewestRows)
        let whole = ProductShape.lastRowsAreAsOthers && all >= few ? all : all / few * few
        if whole > 0, !multiply(a.rows(0..<whole), rows(0..<whole)) { return false }
        guard whole < all else { return true }
        return rows(whole..<all).withEnoughRows(of: a.rows(whole..<all), keep: keep, multiply)
    }

    /// Calls `body` with a factor and the result; of fewer than so many tokens, with copies of both.
    func withEnoughRows<Answer>(
        of a: Matrix, keep: Float, fewest all: Int = ProductShape.fewestRows, _ body: (Matrix, Matrix) -> Answer
    ) -> Answer {
        guard rows < all else { return body(a, self) }
        let memory = ThreadScratch.memory(of: Float.self, count: all * (a.columns + columns), for: .product)
        let factor = Matrix(base: memory, rows: all, columns: a.columns, stride: a.columns, storage: storage)
        let result = Matrix(
            base: memory + factor.count, rows: all, columns: columns, stride: columns, storage: storage)
        factor.rows(0..<rows).copy(from: a)
        factor.rows(rows..<all).fill(0)
        if keep != 0 {
            result.rows(0..<rows).copy(from: self)
            result.rows(rows..<all).fill(0)
        }
        let answer = body(factor, result)
        copy(from: result.rows(0..<rows))
        return answer
    }
}

// One call of a library, or some.
extension Matrix {
    /// Returns whether it was computed.
    private func productByOneDNN(_ factors: ProductFactors) -> Bool {
        let (a, b) = (factors.a, factors.b)
        return pf_onednn_sgemm(
            factors.aOrientation.letter, factors.bOrientation.letter, Int64(rows), Int64(columns), Int64(factors.inner),
            factors.scale, a.base, Int64(a.stride), b.base, Int64(b.stride), factors.keep, base, Int64(stride))
    }

    private func productByOpenBLAS(_ factors: ProductFactors, rowsAtOnce: Int) {
        for first in Swift.stride(from: 0, to: rows, by: rowsAtOnce) {
            let part = first..<min(first + rowsAtOnce, rows)
            rows(part).productByOpenBLAS(factors.rows(part))
        }
    }

    private func productByOpenBLAS(_ factors: ProductFactors) {
        ProductShape.useCallingThreadOnly
        cblas_sgemm(
            CblasRowMajor, factors.aOrientation.cblas, factors.bOrientation.cblas, Int32(rows), Int32(columns),
            Int32(factors.inner), factors.scale, factors.a.base, Int32(factors.a.stride), factors.b.base,
            Int32(factors.b.stride), factors.keep, base, Int32(stride))
    }
}

/// scale · op(a) · op(b), and how much of what was there stays.
private struct ProductFactors {
    var a: Matrix
    let aOrientation: Orientation
    var b: Matrix
    let bOrientation: Orientation
    let scale: Float
    var keep: Float

    var inner: Int { aOrientation == .plain ? a.columns : a.rows }

    /// Those of some rows of the result.
    func rows(_ range: Range<Int>) -> ProductFactors {
        with(a: aOrientation == .plain ? a.rows(range) : a.columns(range))
    }

    /// Those of some columns of the result.
    func columns(_ range: Range<Int>) -> ProductFactors {
        with(b: bOrientation == .plain ? b.columns(range) : b.rows(range))
    }

    /// Those of a part of the sums; of tokens.
    func inner(_ range: Range<Int>) -> ProductFactors {
        with(a: a.columns(range)).with(b: bOrientation == .plain ? b.rows(range) : b.columns(range))
    }

    func with(a: Matrix) -> ProductFactors {
        var other = self
        other.a = a
        return other
    }

    func with(b: Matrix) -> ProductFactors {
        var other = self
        other.b = b
        return other
    }
}

/// Which shapes go where, as measured on Zen 4: docs/performance.md has the figures.
enum ProductShape {
    /// OpenBLAS has kernels of their own for products of up to 100³, which no other product of few columns comes near.
    static let smallMultiplications = 1_000_000
    /// Columns below which oneDNN gets a third of its speed.
    static let narrowest = 16
    /// Rows below which libraries sum in another order: as many as the kernels of oneDNN take at once.
    static let fewestRows = pf_has_avx512() ? 16 : 24
    /// The same of bfloat16 numbers: oneDNN has kernels of their own for a single row alone.
    static let fewestBrainFloatRows = 2

    /// Whether oneDNN sums rows that are not a multiple of `fewestRows` as it does the others: for AVX-512 alone.
    static let lastRowsAreAsOthers = pf_has_avx512()

    /// Lengths of sums that oneDNN splits in one way for fewer than 200 tokens, and in another for more.
    static let uncertainInner = 769..<1200
    /// Results of a product beyond which OpenBLAS's small kernels leave it to the others, when b is transposed.
    private static let smallResults = 1200

    /// Rows of a narrow product that together are a small one.
    static func rowsAtOnce(n: Int, inner: Int) -> Int {
        max(1, min(smallMultiplications / (n * max(1, inner)), smallResults / n))
    }

    /// Set once, before the first product.
    static let useCallingThreadOnly: Void = openblas_set_num_threads(1)
}
