import Synchronization
import Wire

/// An activation store in memory. It forgets everything with the process.
///
/// The lock guards the table alone: activations never change once they are in it, so reading them needs no lock.
public final class MemoryActivationStore: ActivationStore {
    /// How the numbers are kept.
    public let codec: PayloadCodec
    /// Bytes of activations and targets that fit.
    public let capacityBytes: Int

    /// Roughly what a sample takes beside its activations: its place in the table, its targets, and its memory's edges.
    public static let entryBytes = 512

    private struct Table {
        var entries: [UInt64: Entry] = [:]
        var bytes = 0
    }

    private struct Entry {
        let sample: StoredSample
        let activations: Slab

        var bytes: Int { activations.bytes.count + sample.targetBytes }
    }

    private let table = Mutex(Table())

    /// An empty store.
    ///
    /// - Parameters:
    ///   - capacityBytes: bytes of activations and targets; the table of samples comes on top.
    ///   - codec: how the numbers are kept. f32 is exact, bf16 takes half the bytes.
    public init(capacityBytes: Int, codec: PayloadCodec) {
        self.capacityBytes = capacityBytes
        self.codec = codec
    }

    /// Bytes of activations and targets that are kept.
    public var bytes: Int { table.withLock { $0.bytes } }

    /// Samples that are kept.
    public var count: Int { table.withLock { $0.entries.count } }

    /// Keeps the samples of one message, all or none of them, until the process ends.
    public func put(
        _ samples: [StoredSample], payload: UnsafeRawBufferPointer, payloadCodec: PayloadCodec
    ) throws(StoreError) {
        try insert(samples, payload: payload, payloadCodec: payloadCodec, replacing: false)
    }

    /// Puts other activations in the place of those kept. For a moment both are in memory.
    public func replace(
        _ samples: [StoredSample], payload: UnsafeRawBufferPointer, payloadCodec: PayloadCodec
    ) throws(StoreError) {
        try insert(samples, payload: payload, payloadCodec: payloadCodec, replacing: true)
    }

    /// What is known of a sample, or nil when it is not kept.
    public func sample(_ id: UInt64) -> StoredSample? { table.withLock { $0.entries[id]?.sample } }

    /// Lends the bytes of a sample's activations, aligned to a cache line.
    public func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result {
        guard let entry = table.withLock({ $0.entries[id] }) else { throw .missing(sample: id) }
        return withExtendedLifetime(entry) { body(entry.sample, UnsafeRawBufferPointer(entry.activations.bytes)) }
    }

    private func insert(
        _ samples: [StoredSample], payload: UnsafeRawBufferPointer, payloadCodec: PayloadCodec, replacing: Bool
    ) throws(StoreError) {
        let sizes = try sizes(of: samples, payloadBytes: payload.count, payloadCodec: payloadCodec)
        try table.withLock { table throws(StoreError) in
            var replacedBytes = 0
            var seen: Set<UInt64> = []
            for sample in samples {
                let kept = table.entries[sample.id]
                guard seen.insert(sample.id).inserted, replacing || kept == nil else {
                    throw .duplicate(sample: sample.id)
                }
                guard !replacing || kept != nil else { throw .missing(sample: sample.id) }
                replacedBytes += kept?.bytes ?? 0
            }
            let neededBytes =
                payload.count / payloadCodec.bytesPerValue * codec.bytesPerValue
                + samples.reduce(0) { $0 + $1.targetBytes }
            let freeBytes = capacityBytes - table.bytes + replacedBytes
            guard neededBytes <= freeBytes else { throw .full(neededBytes: neededBytes, freeBytes: freeBytes) }

            var start = 0
            for (sample, size) in zip(samples, sizes) {
                let bytes = UnsafeRawBufferPointer(rebasing: payload[start..<start + size])
                table.entries[sample.id] = Entry(
                    sample: sample, activations: Slab(bytes, writtenIn: payloadCodec, keptIn: codec))
                start += size
            }
            table.bytes += neededBytes - replacedBytes
        }
    }

    /// Payload bytes of each sample, once they add up to the payload.
    private func sizes(
        of samples: [StoredSample], payloadBytes: Int, payloadCodec: PayloadCodec
    ) throws(StoreError) -> [Int] {
        let sizes = samples.map { payloadCodec.byteCount(rows: $0.rows, columns: $0.columns) ?? .max }
        let sum = sizes.reduce(0) { sum, size in
            let (next, overflow) = sum.addingReportingOverflow(size)
            return overflow ? .max : next
        }
        guard sum == payloadBytes else { throw .wrongSize(bytes: payloadBytes, expected: sum) }
        return sizes
    }
}

/// The activations of one sample. Unchecked, because nothing writes to them after `init`.
private final class Slab: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ source: UnsafeRawBufferPointer, writtenIn sourceCodec: PayloadCodec, keptIn codec: PayloadCodec) {
        let count = source.count / sourceCodec.bytesPerValue
        bytes = .allocate(byteCount: count * codec.bytesPerValue, alignment: 64)
        if sourceCodec == codec {
            bytes.copyMemory(from: source)
        } else if codec == .f32 {
            sourceCodec.decode(source, into: bytes.bindMemory(to: Float.self))
        } else if let values = sourceCodec.view(source) {
            codec.encode(values, into: bytes)
        } else {
            let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
            defer { values.deallocate() }
            sourceCodec.decode(source, into: values)
            codec.encode(UnsafeBufferPointer(values), into: bytes)
        }
    }

    deinit { bytes.deallocate() }
}
