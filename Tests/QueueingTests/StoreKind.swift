import Foundation
import Queueing
import Wire

/// The stores that keep one contract.
enum StoreKind: String, CaseIterable, Sendable {
    case memory, lmdb

    /// Runs a test with an empty store, whose files are removed afterwards.
    func use(
        capacityBytes: Int = 1 << 16, codec: PayloadCodec = .f32, _ body: (any ActivationStore) throws -> Void
    ) throws {
        switch self {
        case .memory: try body(MemoryActivationStore(capacityBytes: capacityBytes, codec: codec))
        case .lmdb:
            try withStoreFolder { folder in
                try body(
                    LMDBActivationStore(
                        folder: folder, run: "run", codec: codec, capacityBytes: capacityBytes))
            }
        }
    }
}

/// Runs a test with the path of a folder that is not there yet and is removed afterwards.
func withStoreFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let parent = FileManager.default.temporaryDirectory.appendingPathComponent("permafrost-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: parent) }
    return try body(parent.appendingPathComponent("store").path)
}

extension ActivationStore {
    /// Makes one change.
    @discardableResult
    func make(_ change: StoreChange) throws -> StoreOutcome { try apply([change])[0].get() }

    /// Stores a message of one part, or replaces samples.
    @discardableResult
    func put(
        _ samples: [StoredSample], _ values: [Float], sequence: UInt64 = 1, device: UInt32 = 0,
        payloadCodec: PayloadCodec = .f32, replacing: Bool = false
    ) throws -> StoreOutcome {
        let bytes = payloadCodec.bytes(of: values, columns: samples.first?.columns ?? 2)
        if replacing {
            let slab = Slab(copying: bytes)
            return try make(.replace(samples, payload: HeldBytes(owner: slab, bytes: slab.bytes), codec: payloadCodec))
        }
        return try make(
            .message(
                MessagePart(device: device, sequence: sequence), samples: samples, payload: Frame(bytes),
                codec: payloadCodec))
    }

    /// A sample's numbers.
    func values(of id: UInt64) throws -> [Float] {
        guard let sample = sample(id) else { throw StoreError.missing(sample: id) }
        var values = [Float](repeating: 0, count: sample.rows * sample.columns)
        try values.withUnsafeMutableBufferPointer { _ = try read(id, into: $0) }
        return values
    }
}

extension PayloadCodec {
    func bytes(of values: [Float], columns: Int = 2) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: values.count / columns * bytesPerRow(columns: columns))
        bytes.withUnsafeMutableBytes { bytes in
            values.withUnsafeBufferPointer { encode($0, columns: columns, into: bytes) }
        }
        return bytes
    }

    /// What is left of values that were written in this codec.
    func kept(_ values: [Float], columns: Int = 2) -> [Float] {
        var kept = [Float](repeating: 0, count: values.count)
        bytes(of: values, columns: columns).withUnsafeBytes { bytes in
            kept.withUnsafeMutableBufferPointer { decode(bytes, columns: columns, into: $0) }
        }
        return kept
    }
}

/// A sample of width 2 by default, with a target of four bytes for each row.
func storedSample(_ id: UInt64, rows: Int, columns: Int = 2, cut: Int = 6) -> StoredSample {
    StoredSample(
        id: id, targets: (0..<rows).map { Int32(truncatingIfNeeded: id) &+ Int32($0) }, rows: rows, columns: columns,
        cut: cut)
}
