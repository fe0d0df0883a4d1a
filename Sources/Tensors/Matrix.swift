/// A row-major view of floats in a `Storage`, which it keeps alive.
///
/// There is no lock: whoever writes through a view must be the only user of that memory at that time.
public struct Matrix: @unchecked Sendable {
    /// The first float of the first row.
    public let base: UnsafeMutablePointer<Float>
    /// The number of rows, usually tokens.
    public let rows: Int
    /// Elements of one row.
    public let columns: Int
    /// Floats from one row to the next, at least `columns`.
    public let stride: Int
    let storage: Storage

    init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int, storage: Storage) {
        self.base = base
        self.rows = rows
        self.columns = columns
        self.stride = stride
        self.storage = storage
    }

    /// How many elements the view shows.
    public var count: Int { rows * columns }

    /// Whether the rows follow each other without a gap.
    public var isContiguous: Bool { stride == columns || rows <= 1 }

    /// One element; the indices are not checked.
    public subscript(row: Int, column: Int) -> Float {
        get { base[row * stride + column] }
        nonmutating set { base[row * stride + column] = newValue }
    }

    /// The rows of a range, without a copy.
    public func rows(_ range: Range<Int>) -> Matrix {
        Matrix(
            base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride,
            storage: storage)
    }

    /// The columns of a range, without a copy.
    public func columns(_ range: Range<Int>) -> Matrix {
        Matrix(base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride, storage: storage)
    }

    /// A matrix in the memory of this one, whose rows follow each other without a gap.
    ///
    /// - Parameter offset: floats before its first.
    public func part(rows: Int, columns: Int, at offset: Int) -> Matrix {
        precondition(isContiguous && offset >= 0 && offset + rows * columns <= count, "a part leaves its matrix")
        return Matrix(base: base + offset, rows: rows, columns: columns, stride: columns, storage: storage)
    }

    /// Copies elements of another matrix of the same shape into this one.
    public func copy(from other: Matrix) {
        precondition(rows == other.rows && columns == other.columns)
        if isContiguous && other.isContiguous {
            base.update(from: other.base, count: count)
        } else {
            for row in 0..<rows {
                (base + row * stride).update(from: other.base + row * other.stride, count: columns)
            }
        }
    }

    /// The elements in memory of their own, row by row.
    public func copied() -> Storage {
        let copy = Storage(count: count)
        copy.matrix(rows: rows, columns: columns).copy(from: self)
        return copy
    }

    /// Sets every element.
    public func fill(_ value: Float) {
        for row in 0..<rows { (base + row * stride).update(repeating: value, count: columns) }
    }

    /// The elements, row by row.
    public var values: [Float] {
        (0..<rows).flatMap { row in UnsafeBufferPointer(start: base + row * stride, count: columns) }
    }
}
