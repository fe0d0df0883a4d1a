import Wire

/// What a store knows of a sample besides its activations.
public struct StoredSample: Sendable, Equatable {
    /// Unique in the store: the device's number << 32 | the sample's place among the device's.
    public let id: UInt64
    /// What the last tokens predict, one target each: a class, or tokens. From 1 to `rows` of them.
    public let targets: [Int32]
    /// Tokens, at least 1.
    public let rows: Int
    /// The width of the model.
    public let columns: Int
    /// Blocks that the activations have passed.
    public let cut: Int

    /// A description of activations [rows, columns].
    public init(id: UInt64, targets: [Int32], rows: Int, columns: Int, cut: Int) {
        self.id = id
        self.targets = targets
        self.rows = rows
        self.columns = columns
        self.cut = cut
    }

    /// The same sample after more blocks.
    public func advanced(to cut: Int) -> StoredSample {
        StoredSample(id: id, targets: targets, rows: rows, columns: columns, cut: cut)
    }

    /// Bytes of its targets.
    var targetBytes: Int { targets.count * MemoryLayout<Int32>.stride }
}

/// Keeps each sample's activations once and gives them back in every epoch, and remembers which messages brought them.
///
/// Any thread may call any method at any time.
public protocol ActivationStore: Sendable {
    /// How the numbers are kept.
    var codec: PayloadCodec { get }

    /// Bytes of activations and targets that fit.
    var capacityBytes: Int { get }

    /// Bytes of activations and targets that are kept, those of messages that are not complete too.
    var bytes: Int { get }

    /// Samples that are kept.
    var count: Int { get }

    /// Whether a change takes no longer than a copy of its payload, because nothing has to reach a disk.
    var isImmediate: Bool { get }

    /// Makes several changes in their order. When it returns, those that succeeded may be acknowledged: in a durable
    /// store they survive a loss of power. A change that fails leaves nothing behind and does not harm the others.
    ///
    /// - Returns: what became of each change. Its errors are `.full`, `.diskFull`, `.duplicate`, `.missing`,
    ///   `.wrongSize`, and `.damaged` for stored parts that are no longer what was written.
    /// - Throws: `StoreError` for what concerns the whole store: it is damaged, or its disk fails. No change is made.
    func apply(_ changes: [StoreChange]) throws(StoreError) -> [Result<StoreOutcome, StoreError>]

    /// What is known of a sample, or nil when it is not kept.
    func sample(_ id: UInt64) -> StoredSample?

    /// Lends the bytes of a sample's activations, written in `codec` and aligned for it. They are what was stored:
    /// a durable store compares their checksum first. Who reads while they are replaced keeps the old ones to the end.
    ///
    /// - Throws: `StoreError.missing`, or `.damaged` with the names of sample, device and sequence.
    func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result

    /// The messages of a device that are complete.
    func settledSequences(of device: UInt32) -> SequenceSet

    /// The messages of a device that are not complete, and which of their parts are kept.
    func storedParts(of device: UInt32) -> [UInt64: (parts: UInt32, stored: Set<UInt32>)]

    /// All samples, in the order of their ids.
    func samples() -> [StoredSample]

    /// All complete messages, in the order of device and sequence.
    func messages() -> [StoredMessage]

    /// How often devices' messages came again, by device, as they were counted last; of those that were counted.
    func counters() -> [UInt32: StoreCounters]

    /// All messages that were given up, in the order of device and sequence.
    func deadLetters() -> [DeadLetter]
}

extension ActivationStore {
    /// A store takes its time unless it says otherwise.
    public var isImmediate: Bool { false }

    /// Whether a sample is kept.
    public func contains(_ id: UInt64) -> Bool { sample(id) != nil }

    /// Reads a sample's activations as floats, rows × columns of them.
    ///
    /// - Throws: `StoreError.missing`, `.damaged`, or `.wrongSize` when `values` has another size.
    @discardableResult
    public func read(_ id: UInt64, into values: UnsafeMutableBufferPointer<Float>) throws(StoreError) -> StoredSample {
        let result = try withBytes(of: id) { sample, bytes in
            Result { () throws(StoreError) -> StoredSample in
                guard values.count == sample.rows * sample.columns else {
                    throw .wrongSize(
                        bytes: values.count * MemoryLayout<Float>.size,
                        expected: sample.rows * sample.columns * MemoryLayout<Float>.size)
                }
                codec.decode(bytes, columns: sample.columns, into: values)
                return sample
            }
        }
        return try result.get()
    }
}
