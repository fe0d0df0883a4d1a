import Glibc

/// Memory for floats, aligned to a cache line and zeroed, freed with its last reference; or a view on somebody else's.
///
/// The memory has no lock. Whoever writes to it must be its only user at that time; read-only sharing is free.
public final class Storage: @unchecked Sendable {
    /// The first float.
    public let base: UnsafeMutablePointer<Float>

    /// How many floats there are.
    public let count: Int

    /// Bytes from which on memory is mapped from the system: only then does giving it back make the process smaller.
    private static let mappedBytes = 1 << 20

    private let bytes: Int
    /// Who keeps memory that is only viewed; nil where the memory is this storage's own.
    private let owner: (any AnyObject & Sendable)?

    /// - Parameter count: floats, zero or more.
    public init(count: Int) {
        precondition(count >= 0, "a storage cannot have \(count) floats")
        self.count = count
        owner = nil
        bytes = max(count, 1) * MemoryLayout<Float>.stride
        let memory: UnsafeMutableRawPointer
        if bytes >= Self.mappedBytes {
            let mapping = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let mapping, mapping != MAP_FAILED else {
                preconditionFailure("the system has no memory left for \(bytes) bytes")
            }
            memory = mapping
        } else {
            memory = .allocate(byteCount: bytes, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        }
        base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    /// Shows memory of an owner, who keeps it valid for as long as it lives. A file that is mapped read-only must not be
    /// written to through the view: the system would end the process.
    ///
    /// - Parameter bytes: a whole number of floats, aligned as such.
    public init(viewing bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        precondition(
            bytes.count % MemoryLayout<Float>.stride == 0, "\(bytes.count) bytes are no whole number of floats")
        guard let start = bytes.baseAddress else { preconditionFailure("a view needs memory") }
        self.bytes = bytes.count
        self.owner = owner
        count = bytes.count / MemoryLayout<Float>.stride
        base = UnsafeMutableRawPointer(mutating: start).bindMemory(to: Float.self, capacity: count)
    }

    /// The memory as bytes, valid as long as the storage lives.
    public var rawBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base, count: count * MemoryLayout<Float>.stride)
    }

    deinit {
        guard owner == nil else { return }
        if bytes >= Self.mappedBytes {
            munmap(base, bytes)
        } else {
            base.deallocate()
        }
    }

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
