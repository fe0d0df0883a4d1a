import CKernels
import CProducts

/// A row-major matrix of bfloat16 numbers, the upper halves of floats: half the bytes, 8 bits of precision.
public struct BrainFloatMatrix: ShortMatrix, @unchecked Sendable {
    /// Whether this processor multiplies such numbers as they are, through a library that this machine has. Where not,
    /// they become floats again, some rows at a time, in every product.
    public static let isMultiplied =
        MatrixLibrary.chosen == .oneDNN && ProcessorLimit.chosen == nil && pf_onednn_multiplies_bf16()

    /// Of rows.
    public let rows: Int
    /// Numbers of one row.
    public let columns: Int
    let base: UnsafeMutablePointer<UInt16>
    let storage: Storage

    /// The numbers that lie in a part of a storage, row by row.
    ///
    /// - Parameter offset: floats before the first number.
    public init(rows: Int, columns: Int, in storage: Storage, at offset: Int = 0) {
        precondition(
            offset >= 0 && offset + Self.floats(rows, columns) <= storage.count,
            "\(rows)x\(columns) short numbers leave the storage")
        self.rows = rows
        self.columns = columns
        self.storage = storage
        base = UnsafeMutableRawPointer(storage.base + offset)
            .bindMemory(to: UInt16.self, capacity: max(rows * columns, 1))
    }

    /// The nearest numbers, ties to even, in memory of their own.
    public init(nearest matrix: Matrix) {
        self.init(
            rows: matrix.rows, columns: matrix.columns,
            in: Storage(count: Self.floats(matrix.rows, matrix.columns)))
        set(nearest: matrix)
    }

    /// Becomes the nearest numbers of a matrix of the same shape, ties to even. Nobody may read them yet.
    public func set(nearest matrix: Matrix) {
        precondition(rows == matrix.rows && columns == matrix.columns)
        Kernels.best.table.pointee.to_bf16(matrix.base, matrix.stride, base, rows, columns)
    }

    /// Floats whose room so many rows and columns of short numbers take.
    public static func floats(_ rows: Int, _ columns: Int) -> Int { (rows * columns + 1) / 2 }

    /// Some rows as floats, exactly.
    func copy(rows range: Range<Int>, to floats: UnsafeMutablePointer<Float>) {
        Kernels.best.table.pointee.from_bf16(base + range.lowerBound * columns, floats, range.count * columns)
    }

    /// result = a · self + keep · result, or a · selfᵀ: of a's nearest numbers where this processor multiplies them, of a
    /// as it is where not. Sums are floats.
    func product(of a: Matrix, _ orientation: Orientation, into result: Matrix, keep: Float, isNative: Bool) {
        if isNative {
            multiply(a, orientation, into: result, keep: keep)
        } else {
            multiplyAsFloats(a, orientation, into: result, keep: keep)
        }
    }

    private func multiply(_ a: Matrix, _ orientation: Orientation, into result: Matrix, keep: Float) {
        Self.round(a, into: result, keep: keep) { rounded, result in
            pf_onednn_gemm_bf16(
                orientation.letter, Int64(result.rows), Int64(result.columns), Int64(a.columns), rounded,
                Int64(a.columns), base, Int64(columns), keep, result.base, Int64(result.stride))
        }
    }

    /// Calls `multiply`, which asks oneDNN, with the nearest numbers of some tokens at a time, row by row, and with what is to
    /// become of them.
    static func round(
        _ a: Matrix, into result: Matrix, keep: Float, _ multiply: (UnsafePointer<UInt16>, Matrix) -> Bool
    ) {
        pf_product_begin()
        defer { pf_product_end() }
        let tokensAtOnce = max(1, roundedAtOnce / max(1, a.columns))
        for first in Swift.stride(from: 0, to: a.rows, by: tokensAtOnce) {
            let part = first..<min(first + tokensAtOnce, a.rows)
            let isComputed = result.rows(part).withEnoughRows(
                of: a.rows(part), keep: keep, fewest: ProductShape.fewestBrainFloatRows
            ) { a, result in
                let rounded = ThreadScratch.memory(of: UInt16.self, count: a.count)
                Kernels.best.table.pointee.to_bf16(a.base, a.stride, rounded, a.rows, a.columns)
                return multiply(rounded, result)
            }
            precondition(isComputed, "the system has no memory left for a product")
        }
    }

    /// Numbers of the other factor that are rounded at once: 2 MiB, hundreds of tokens, with which products reach their
    /// speed.
    private static let roundedAtOnce = 1 << 20
}
