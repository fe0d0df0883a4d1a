/// Activations whose header and payload passed every check: the only form in which they may be used.
public struct CheckedActivations: Sendable, Equatable {
    /// One sample of the message.
    public struct Sample: Sendable, Equatable {
        /// Unique within the message and owned by its sender.
        public let id: UInt64
        /// The sample's rows of the payload tensor, never empty.
        public let rows: Range<Int>
        /// The sample's part of the message's targets: never empty, and no longer than `rows`, the last of which
        /// predict them.
        public let targets: Range<Int>
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
    /// All samples' targets, one sample after another, each in `0..<targetLimit`.
    public let targets: [Int32]

    /// Which part of the message the payload is, from 0.
    public let part: UInt32
    /// How many parts there are, at least 1.
    public let parts: UInt32
    /// The rows of the message that the payload has: all of them when there is one part.
    public let partRows: Range<Int>

    /// Bytes of the payload frame.
    public var byteCount: Int { partRows.count * codec.bytesPerRow(columns: columns) }

    /// What the last rows of one sample predict: classes or tokens.
    public func targets(of sample: Sample) -> ArraySlice<Int32> { targets[sample.targets] }
}
