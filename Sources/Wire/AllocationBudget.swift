import CWire
import Foundation

/// The memory that unpacking one header may take. Beyond it protobuf-c is told that memory has run out, and gives up.
///
/// A few bytes on the wire can ask for much more in memory: every unknown field, for one, gets a structure of its own.
struct AllocationBudget {
    /// What honest headers need at most per byte, with room to spare: an unpacked list of one-byte numbers takes a
    /// 48-byte record for every two bytes while it is parsed, in tables that double.
    private static let memoryPerHeaderByte = 64

    /// The structures of an empty header.
    private static let fixedBytes = 4096

    /// Lends its memory to protobuf-c until `close()`.
    let allocator: UnsafeMutablePointer<ProtobufCAllocator>
    private let remaining: UnsafeMutablePointer<Int>

    init(headerBytes: Int) { self.init(bytes: Self.fixedBytes + Self.memoryPerHeaderByte * headerBytes) }

    init(bytes: Int) {
        remaining = .allocate(capacity: 1)
        remaining.initialize(to: bytes)
        allocator = .allocate(capacity: 1)
        allocator.initialize(
            to: ProtobufCAllocator(
                alloc: { remaining, size in
                    guard let remaining = remaining?.assumingMemoryBound(to: Int.self), size <= remaining.pointee else {
                        return nil
                    }
                    remaining.pointee -= size
                    return malloc(size)
                },
                free: { _, block in free(block) },
                allocator_data: remaining))
    }

    func close() {
        allocator.deallocate()
        remaining.deallocate()
    }
}
