/// How frozen weights are kept.
public enum WeightType: String, Sendable, CaseIterable, Encodable {
    /// As floats.
    case f32
    /// As bfloat16 numbers: half the memory, and where the processor multiplies them, about twice the speed.
    case bf16
    /// As whole numbers from -127 to 127, of which 64 share a scale: a quarter of the memory.
    case int8

    /// Those that products take as they are on this machine.
    public static let multiplied: [WeightType] = BrainFloatMatrix.isMultiplied ? [.f32, .bf16] : [.f32]

    /// Floats whose room so many rows and columns of weights take.
    public func floats(_ rows: Int, _ columns: Int) -> Int {
        switch self {
        case .f32: rows * columns
        case .bf16: BrainFloatMatrix.floats(rows, columns)
        case .int8: ScaledIntegerMatrix.floats(rows, columns)
        }
    }
}

/// A factor of products that is kept as floats or shorter.
public enum WeightMatrix: Sendable {
    /// Floats, which may train.
    case f32(Matrix)
    /// Frozen.
    case bf16(BrainFloatMatrix)
    /// Frozen.
    case int8(ScaledIntegerMatrix)
    /// Frozen, and read by F alone.
    case packed(PackedMatrix)

    /// Views on a part of a storage, as many floats as the type says.
    ///
    /// - Parameter offset: floats before the first weight.
    public init(rows: Int, columns: Int, in storage: Storage, at offset: Int, as type: WeightType) {
        switch type {
        case .f32: self = .f32(storage.matrix(rows: rows, columns: columns, at: offset))
        case .bf16: self = .bf16(BrainFloatMatrix(rows: rows, columns: columns, in: storage, at: offset))
        case .int8: self = .int8(ScaledIntegerMatrix(rows: rows, columns: columns, in: storage, at: offset))
        }
    }

    /// The nearest weights of a type.
    public init(_ matrix: Matrix, as type: WeightType) {
        switch type {
        case .f32: self = .f32(matrix)
        case .bf16: self = .bf16(BrainFloatMatrix(nearest: matrix))
        case .int8: self = .int8(ScaledIntegerMatrix(nearest: matrix))
        }
    }

    /// A copy for products with its transpose alone, which have the same bits and are faster; itself where none would be.
    public var packed: WeightMatrix {
        switch self {
        case .f32(let matrix): PackedMatrix(matrix).map(Self.packed) ?? self
        case .bf16(let matrix): PackedMatrix(matrix).map(Self.packed) ?? self
        case .int8, .packed: self
        }
    }

    /// Becomes the nearest weights of its type. Nobody may read them yet.
    public func set(nearest floats: Matrix) {
        switch self {
        case .f32(let matrix): matrix.copy(from: floats)
        case .bf16(let matrix): matrix.set(nearest: floats)
        case .int8(let matrix): matrix.set(nearest: floats)
        case .packed: preconditionFailure("what is packed is never written again")
        }
    }

    fileprivate var shape: (rows: Int, columns: Int) {
        switch self {
        case .f32(let matrix): (matrix.rows, matrix.columns)
        case .bf16(let matrix): (matrix.rows, matrix.columns)
        case .int8(let matrix): (matrix.rows, matrix.columns)
        case .packed(let matrix): (matrix.rows, matrix.columns)
        }
    }
}

extension Matrix {
    /// self = a · w + keep · self, or a · wᵀ.
    ///
    /// Where weights are bfloat16 numbers and the processor multiplies these, `a` enters as its nearest such numbers; sums
    /// are floats in any case.
    public func product(of a: Matrix, and w: WeightMatrix, _ orientation: Orientation = .plain, keep: Float = 0) {
        let (inner, n) = orientation == .plain ? w.shape : (w.shape.columns, w.shape.rows)
        precondition(a.rows == rows && n == columns && inner == a.columns, "shapes of a product do not fit")
        guard rows > 0, n > 0 else { return }
        switch w {
        case .f32(let matrix): product(of: a, and: matrix, orientation, keep: keep)
        case .bf16(let matrix):
            matrix.product(of: a, orientation, into: self, keep: keep, isNative: BrainFloatMatrix.isMultiplied)
        case .int8(let matrix): matrix.multiplyAsFloats(a, orientation, into: self, keep: keep)
        case .packed(let matrix):
            precondition(orientation == .transposed, "packed weights have no backward pass")
            matrix.product(of: a, into: self, keep: keep)
        }
    }
}
