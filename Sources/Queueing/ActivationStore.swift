import Wire

/// What a store knows of a sample besides its activations.
public struct StoredSample: Sendable, Equatable {
    /// Unique in the store.
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

/// Keeps each sample's activations once and gives them back in every epoch.
///
/// Any thread may call any method at any time.
public protocol ActivationStore: Sendable {
    /// How the numbers are kept.
    var codec: PayloadCodec { get }

    /// Bytes of activations and targets that fit.
    var capacityBytes: Int { get }

    /// Bytes of activations and targets that are kept.
    var bytes: Int { get }

    /// Samples that are kept.
    var count: Int { get }

    /// Keeps the samples of one message, all or none of them. When it returns they may be acknowledged.
    ///
    /// - Parameters:
    ///   - samples: none of which is kept yet.
    ///   - payload: their rows one after another, written in `payloadCodec`; it is copied.
    /// - Throws: `StoreError.full`, `.duplicate` or `.wrongSize`.
    func put(
        _ samples: [StoredSample], payload: UnsafeRawBufferPointer, payloadCodec: PayloadCodec
    ) throws(StoreError)

    /// Puts other activations in the place of those kept for some samples, all or none: what the missing frozen
    /// blocks made of them. Whoever reads the old ones meanwhile keeps them to the end.
    ///
    /// - Throws: `StoreError.full`, `.duplicate` (named twice), `.missing` or `.wrongSize`.
    func replace(
        _ samples: [StoredSample], payload: UnsafeRawBufferPointer, payloadCodec: PayloadCodec
    ) throws(StoreError)

    /// What is known of a sample, or nil when it is not kept.
    func sample(_ id: UInt64) -> StoredSample?

    /// Lends the bytes of a sample's activations, written in `codec` and aligned for it, without a copy.
    ///
    /// - Throws: `StoreError.missing`.
    func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result
}

extension ActivationStore {
    /// Whether a sample is kept.
    public func contains(_ id: UInt64) -> Bool { sample(id) != nil }

    /// Reads a sample's activations as floats, rows × columns of them.
    ///
    /// - Throws: `StoreError.missing`, or `.wrongSize` when `values` has another size.
    @discardableResult
    public func read(_ id: UInt64, into values: UnsafeMutableBufferPointer<Float>) throws(StoreError) -> StoredSample {
        let result = try withBytes(of: id) { sample, bytes in
            Result { () throws(StoreError) -> StoredSample in
                guard values.count == sample.rows * sample.columns else {
                    throw .wrongSize(bytes: values.count * codec.bytesPerValue, expected: bytes.count)
                }
                codec.decode(bytes, into: values)
                return sample
            }
        }
        return try result.get()
    }
}
