import CKernels

/// A row-major matrix of whole numbers from -127 to 127, of which 64 of a row share a scale: a quarter of the bytes, and
/// errors of up to 1/254 of the largest of them.
///
/// In products its numbers become floats again, some rows at a time.
public struct ScaledIntegerMatrix: ShortMatrix, @unchecked Sendable {
    /// Of rows.
    public let rows: Int
    /// Numbers of one row.
    public let columns: Int
    let storage: Storage
    private let base: UnsafeMutablePointer<UInt8>

    /// The numbers that lie in a part of a storage, row by row.
    ///
    /// - Parameter offset: floats before the first number.
    public init(rows: Int, columns: Int, in storage: Storage, at offset: Int = 0) {
        precondition(
            offset >= 0 && offset + Self.floats(rows, columns) <= storage.count,
            "\(rows)x\(columns) scaled numbers leave the storage")
        self.rows = rows
        self.columns = columns
        self.storage = storage
        base = UnsafeMutableRawPointer(storage.base + offset)
            .bindMemory(to: UInt8.self, capacity: max(rows * Self.rowBytes(columns), 1))
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
        for row in 0..<rows {
            Kernels.best.table.pointee.to_blocks(
                matrix.rows(row..<row + 1).base, base + row * Self.rowBytes(columns), 1, columns, Self.bits)
        }
    }

    /// Floats whose room so many rows and columns take.
    public static func floats(_ rows: Int, _ columns: Int) -> Int { (rows * rowBytes(columns) + 3) / 4 }

    func copy(rows range: Range<Int>, to floats: UnsafeMutablePointer<Float>) {
        Kernels.best.table.pointee.from_blocks(
            base + range.lowerBound * Self.rowBytes(columns), floats, range.count, columns, Self.bits)
    }

    /// A code for each number, and a scale of two bytes for each block of them.
    private static func rowBytes(_ columns: Int) -> Int {
        columns + 2 * ((columns + Int(PF_BLOCK_VALUES) - 1) / Int(PF_BLOCK_VALUES))
    }

    private static let bits: Int32 = 8
}
