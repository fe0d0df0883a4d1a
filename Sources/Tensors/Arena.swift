/// A bump allocator for the intermediate results of one pass.
///
/// The first pass finds out how much is needed; from the second on, the same memory serves again and nothing is
/// allocated. An arena has one user at a time.
public final class Arena: @unchecked Sendable {
    /// Floats: 4 MiB.
    private static let smallestGrowth = 1 << 20

    private var storages: [Storage] = []
    private var used = 0
    private var total = 0

    /// Bytes of the matrices that were given out since the last `reset`.
    public private(set) var bytesInUse = 0

    /// How often memory was asked of the system: constant once the arena has seen its largest pass.
    public private(set) var growths = 0

    /// An arena that holds nothing yet.
    public init() {}

    /// Bytes that the arena holds.
    public var bytes: Int { storages.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.stride }

    /// A matrix whose contents are undefined and which lives until the next `reset`.
    public func matrix(rows: Int, columns: Int) -> Matrix {
        // Rounded up to a cache line, so that every matrix begins on one.
        let rounded = (rows * columns + 15) & ~15
        if storages.isEmpty || used + rounded > storages[storages.count - 1].count {
            storages.append(Storage(count: max(rounded, Self.smallestGrowth)))
            used = 0
            growths += 1
        }
        defer {
            used += rounded
            total += rounded
            bytesInUse += rows * columns * MemoryLayout<Float>.stride
        }
        return storages[storages.count - 1].matrix(rows: rows, columns: columns, at: used)
    }

    /// Takes back everything. Several pieces of memory become one that is large enough for the pass just done.
    public func reset() {
        if storages.count > 1 {
            // Given back first: the old memory and the new one never exist together.
            storages.removeAll(keepingCapacity: true)
            storages.append(Storage(count: total))
            growths += 1
        }
        used = 0
        total = 0
        bytesInUse = 0
    }
}
