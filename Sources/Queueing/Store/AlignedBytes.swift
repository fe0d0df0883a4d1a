import Wire

/// Memory of its own for activations, aligned to a cache line. Unchecked, because nothing writes to it after `init`.
final class AlignedBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    private let memory: UnsafeMutableRawBufferPointer

    /// Memory that is filled once.
    init(count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        memory = .allocate(byteCount: count, alignment: 64)
        bytes = UnsafeRawBufferPointer(memory)
        fill(memory)
    }

    /// A copy of payload bytes in another codec or the same.
    convenience init(
        _ source: UnsafeRawBufferPointer, columns: Int, writtenIn sourceCodec: PayloadCodec, keptIn codec: PayloadCodec
    ) {
        self.init(count: codec.byteCount(of: source.count, in: sourceCodec, columns: columns)) {
            codec.write(source, columns: columns, writtenIn: sourceCodec, to: $0)
        }
    }

    deinit { memory.deallocate() }
}
