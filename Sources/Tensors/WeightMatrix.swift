/// How frozen weights are kept.
public enum WeightType: String, Sendable, CaseIterable {
    /// As floats.
    case f32
    /// As bfloat16 numbers: half the memory, and where the processor multiplies them, about twice the speed.
    case bf16

    /// Bytes of one weight.
    public var bytes: Int { self == .f32 ? 4 : 2 }
}

/// A factor of products that is kept as floats or shorter.
public enum WeightMatrix: Sendable {
    /// Floats, which may train.
    case f32(Matrix)
    /// Frozen.
    case bf16(BrainFloatMatrix)

    /// The nearest weights of a type.
    public init(_ matrix: Matrix, as type: WeightType) {
        switch type {
        case .f32: self = .f32(matrix)
        case .bf16: self = .bf16(BrainFloatMatrix(nearest: matrix))
        }
    }
}

extension Matrix {
    /// self = a · w + keep · self, or a · wᵀ.
    ///
    /// Where weights are bfloat16 numbers and the processor multiplies these, `a` enters as its nearest such numbers; sums
    /// are floats in any case.
    public func product(of a: Matrix, and w: WeightMatrix, _ orientation: Orientation = .plain, keep: Float = 0) {
        switch w {
        case .f32(let matrix): product(of: a, and: matrix, orientation, keep: keep)
        case .bf16(let matrix):
            let (inner, n) = orientation == .plain ? (matrix.rows, matrix.columns) : (matrix.columns, matrix.rows)
            precondition(a.rows == rows && n == columns && inner == a.columns, "shapes of a product do not fit")
            guard rows > 0, n > 0 else { return }
            matrix.product(of: a, orientation, into: self, keep: keep, isNative: BrainFloatMatrix.isMultiplied)
        }
    }
}
