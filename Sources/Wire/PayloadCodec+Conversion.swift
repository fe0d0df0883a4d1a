import CKernels

extension PayloadCodec {
    // The table is constant for the life of the process.
    nonisolated(unsafe) private static let kernels: UnsafePointer<pf_kernels> = pf_kernels_best()

    /// Writes rows of values as payload bytes. Values that are not finite stay so in f32 and bf16; elsewhere their block
    /// gets a scale that is not a number.
    ///
    /// - Precondition: `bytes` has room for exactly these values.
    public func encode(
        _ values: UnsafeBufferPointer<Float>, columns: Int, into bytes: UnsafeMutableRawBufferPointer
    ) {
        let rows = rows(in: bytes.count, columns: columns)
        precondition(values.count == rows * columns, "the payload is not as long as its values")
        guard let source = values.baseAddress, let target = bytes.baseAddress, rows > 0 else { return }
        switch self {
        case .f32: target.copyMemory(from: source, byteCount: bytes.count)
        case .bf16: Self.kernels.pointee.to_bf16(source, columns, target, rows, columns)
        case .int8, .int4: Self.kernels.pointee.to_blocks(source, target, rows, columns, codeBits)
        case .int4Residual:
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { errors in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { magnitudes in
                    Self.kernels.pointee.to_residuals(
                        source, target, rows, columns, residuals(columns: columns), errors.baseAddress,
                        magnitudes.baseAddress)
                }
            }
        }
    }

    /// Reads rows of payload bytes as values.
    ///
    /// - Precondition: `values` has room for exactly these bytes.
    public func decode(
        _ bytes: UnsafeRawBufferPointer, columns: Int, into values: UnsafeMutableBufferPointer<Float>
    ) {
        let rows = rows(in: bytes.count, columns: columns)
        precondition(values.count == rows * columns, "the payload is not as long as its values")
        guard let source = bytes.baseAddress, let target = values.baseAddress, rows > 0 else { return }
        switch self {
        case .f32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
        case .bf16: Self.kernels.pointee.from_bf16(source, target, rows * columns)
        case .int8, .int4: Self.kernels.pointee.from_blocks(source, target, rows, columns, codeBits)
        case .int4Residual:
            Self.kernels.pointee.from_residuals(source, target, rows, columns, residuals(columns: columns))
        }
    }

    /// The values in place, without a copy, or nil when the codec is not f32 or the bytes are not aligned for floats.
    public func view(_ bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<Float>? {
        guard self == .f32, bytes.count % 4 == 0, UInt(bitPattern: bytes.baseAddress) % 4 == 0 else { return nil }
        return bytes.bindMemory(to: Float.self)
    }
}
