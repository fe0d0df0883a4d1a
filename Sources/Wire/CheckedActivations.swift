/// Activations whose header and payload passed every check: the only form in which they may be used.
public struct CheckedActivations: Sendable, Equatable {
    /// One sample of the message.
    public struct Sample: Sendable, Equatable {
        /// Unique within the message and owned by its sender.
        public let id: UInt64
        /// The class, below the task's class count.
        public let label: Int
        /// The sample's rows of the payload tensor, never empty.
        public let rows: Range<Int>
    }

    /// The number under which the message is acknowledged.
    public let sequence: UInt64
    /// Blocks that the device has run.
    public let cut: Int
    /// How the payload is written.
    public let codec: PayloadCodec
    /// Tokens of all samples.
    public let rows: Int
    /// The width of the model.
    public let columns: Int
    /// In the order of their rows, without a gap.
    public let samples: [Sample]

    /// Bytes of the payload frame.
    public var byteCount: Int { rows * columns * codec.bytesPerValue }

    /// The bytes of one sample in the payload frame.
    public func bytes(of sample: Sample, in payload: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let rowBytes = columns * codec.bytesPerValue
        return UnsafeRawBufferPointer(
            rebasing: payload[sample.rows.lowerBound * rowBytes..<sample.rows.upperBound * rowBytes])
    }
}
