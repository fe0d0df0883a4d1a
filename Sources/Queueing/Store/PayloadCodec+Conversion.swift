import Wire

extension PayloadCodec {
    /// Writes payload bytes in this codec that came in another.
    ///
    /// - Precondition: `target` has room for exactly these values.
    func write(
        _ source: UnsafeRawBufferPointer, writtenIn sourceCodec: PayloadCodec, to target: UnsafeMutableRawBufferPointer
    ) {
        if sourceCodec == self {
            target.copyMemory(from: source)
        } else if self == .f32, UInt(bitPattern: target.baseAddress) % 4 == 0 {
            sourceCodec.decode(source, into: target.bindMemory(to: Float.self))
        } else if let values = sourceCodec.view(source) {
            encode(values, into: target)
        } else {
            let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: source.count / sourceCodec.bytesPerValue)
            defer { values.deallocate() }
            sourceCodec.decode(source, into: values)
            encode(UnsafeBufferPointer(values), into: target)
        }
    }
}
