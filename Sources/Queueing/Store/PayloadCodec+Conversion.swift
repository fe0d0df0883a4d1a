import Wire

extension PayloadCodec {
    /// Writes payload bytes in this codec that came in another.
    ///
    /// - Precondition: `source` is rows of `columns` numbers, and `target` has room for exactly these.
    func write(
        _ source: UnsafeRawBufferPointer, columns: Int, writtenIn sourceCodec: PayloadCodec,
        to target: UnsafeMutableRawBufferPointer
    ) {
        if sourceCodec == self {
            target.copyMemory(from: source)
        } else if self == .f32, UInt(bitPattern: target.baseAddress) % 4 == 0 {
            sourceCodec.decode(source, columns: columns, into: target.bindMemory(to: Float.self))
        } else if let values = sourceCodec.view(source) {
            encode(values, columns: columns, into: target)
        } else {
            let bytes = PayloadCodec.f32.byteCount(of: source.count, in: sourceCodec, columns: columns)
            let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: bytes / MemoryLayout<Float>.size)
            defer { values.deallocate() }
            sourceCodec.decode(source, columns: columns, into: values)
            encode(UnsafeBufferPointer(values), columns: columns, into: target)
        }
    }
}
