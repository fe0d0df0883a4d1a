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

    /// The whole memory as a row-major matrix.
    public func matrix(rows: Int, columns: Int) -> Matrix {
        precondition(rows * columns <= count, "\(rows)x\(columns) floats do not fit into \(count)")
        return Matrix(base: base, rows: rows, columns: columns)
    }
}
