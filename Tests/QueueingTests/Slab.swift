import Queueing

/// Memory for a payload that says when it is released. Nothing writes to it after `init`.
final class Slab: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer
    private let released: WakeSignal?

    /// Bytes 0, 1, 2, ... 255, 0, ...
    init(count: Int, released: WakeSignal? = nil) {
        memory = .allocate(byteCount: count, alignment: 64)
        for index in 0..<count { memory[index] = UInt8(truncatingIfNeeded: index) }
        self.released = released
    }

    init(copying bytes: [UInt8]) {
        memory = .allocate(byteCount: bytes.count, alignment: 64)
        memory.copyBytes(from: bytes)
        released = nil
    }

    deinit {
        memory.deallocate()
        released?.signal()
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }
}
