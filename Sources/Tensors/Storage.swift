/// Memory for floats, aligned to a cache line and zeroed, freed with its last reference.
///
/// The memory has no lock. Whoever writes to it must be its only user at that time; read-only sharing is free.
public final class Storage: @unchecked Sendable {
    /// The first float.
    public let base: UnsafeMutablePointer<Float>

    /// How many floats there are.
    public let count: Int

    /// - Parameter count: floats, zero or more.
    public init(count: Int) {
        precondition(count >= 0, "a storage cannot have \(count) floats")
        self.count = count
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
        base.initialize(repeating: 0, count: max(count, 1))
    }

    deinit { base.deallocate() }

    /// A part of the memory as a row-major matrix.
    ///
    /// - Parameters:
    ///   - offset: the place of the first float.
    ///   - stride: floats from one row to the next; `columns` when nil.
    public func matrix(rows: Int, columns: Int, at offset: Int = 0, stride: Int? = nil) -> Matrix {
        let stride = stride ?? columns
        let end = rows == 0 ? offset : offset + (rows - 1) * stride + columns
        precondition(offset >= 0 && stride >= columns && end <= count, "\(rows)x\(columns) floats leave the storage")
        return Matrix(base: base + offset, rows: rows, columns: columns, stride: stride, storage: self)
    }
}
