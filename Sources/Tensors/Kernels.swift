import CKernels

/// Fused elementwise operations on rows of tokens, in C, chosen once for this processor.
///
/// Shapes: T tokens, D width, F feed-forward width, I inputs, H heads. Each method states what it writes; nothing is
/// allocated.
public struct Kernels: Sendable {
    // The table is constant for the life of the process.
    nonisolated(unsafe) let table: UnsafePointer<pf_kernels>

    /// The fastest set that this processor runs.
    public static let best = Kernels(table: pf_kernels_best())

    /// The set that any processor runs.
    public static let portable: Kernels = {
        let copy = UnsafeMutablePointer<pf_kernels>.allocate(capacity: 1)
        copy.initialize(to: pf_kernels_portable)
        return Kernels(table: UnsafePointer(copy))
    }()

    /// The instruction set, such as `avx2`.
    public var name: String { String(cString: table.pointee.name) }

    /// Rotates heads in place by their token's position (RoPE, Su et al., 2021); `inverse` undoes it.
    public func rotate(
        _ x: Matrix, headDimension: Int, positions: UnsafePointer<Int32>, table angles: RotaryTable,
        inverse: Bool = false
    ) {
        self.table.pointee.rotate(
            x.base, x.stride, x.rows, x.columns / headDimension, headDimension, positions, angles.cosine,
            angles.sine, inverse ? -1 : 1)
    }

    /// y += scale · x.
    public func add(_ x: Matrix, scale: Float = 1, to y: Matrix) {
        precondition(x.isContiguous && y.isContiguous && x.count == y.count)
        table.pointee.add_scaled(x.base, scale, y.base, x.count)
    }

    /// Σ x², summed in double precision.
    public func sumOfSquares(_ x: Matrix) -> Double {
        precondition(x.isContiguous)
        return table.pointee.sum_of_squares(x.base, x.count)
    }
}
