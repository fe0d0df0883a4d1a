import CZstd

/// What is done to the bytes of a payload frame after its codec. The raw value is the number on the wire.
public enum PayloadCompression: UInt32, Sendable, CaseIterable {
    /// Nothing.
    case none = 0
    /// One frame of Zstandard (RFC 8878).
    case zstd = 1

    /// What this process can compress and expand.
    public static var available: [PayloadCompression] { pf_zstd_found() ? [.none, .zstd] : [.none] }

    /// Compressed bytes; nil when they would not be fewer.
    public func compressed(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard self == .zstd, bytes.count > 1 else { return nil }
        let capacity = bytes.count - 1
        let result = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            count = pf_zstd_compress(bytes.baseAddress, bytes.count, buffer.baseAddress, capacity)
        }
        return result.isEmpty ? nil : result
    }
}

/// A payload that came compressed, in memory of its own. Unchecked, because nothing writes to it after `init`.
public final class ExpandedPayload: @unchecked Sendable {
    /// The payload as its codec wrote it.
    public let bytes: UnsafeRawBufferPointer
    private let memory: UnsafeMutableRawBufferPointer

    /// Expands a frame; nil when it is not exactly `count` bytes then.
    ///
    /// - Parameter count: within the limit of a frame.
    init?(_ frame: UnsafeRawBufferPointer, count: Int) {
        memory = .allocate(byteCount: max(1, count), alignment: 64)
        bytes = UnsafeRawBufferPointer(start: memory.baseAddress, count: count)
        guard pf_zstd_expand(frame.baseAddress, frame.count, memory.baseAddress, count) else { return nil }
    }

    deinit { memory.deallocate() }
}
