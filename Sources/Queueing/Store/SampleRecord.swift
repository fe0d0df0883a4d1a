import Diagnostics
import Wire

/// A sample as it lies in the file: a header with a checksum of its own, so that it can be believed without reading
/// the activations, then the activations, whose checksum is in the header.
///
/// Little-endian: checksum of key and header (8), checksum of the activations (8), header's bytes (4), targets (4),
/// rows (4), columns (4), cut (4), device (4), sequence (8), targets (4 each), zeros up to a multiple of 16.
struct SampleRecord {
    let sample: StoredSample
    let message: MessageKey
    let activations: UnsafeRawBufferPointer
    private let checksum: UInt64

    private static let fixedBytes = 48

    static func headerBytes(targets: Int) -> Int { (fixedBytes + 4 * targets + 15) / 16 * 16 }

    /// Bytes of a whole record.
    static func byteCount(_ kept: StoreIndex.Kept) -> Int {
        headerBytes(targets: kept.sample.targets.count) + kept.activationBytes
    }

    /// Writes a record whose activations `fill` writes.
    static func write(
        _ kept: StoreIndex.Kept, to target: UnsafeMutableRawBufferPointer,
        _ fill: (UnsafeMutableRawBufferPointer) throws(LMDBFailure) -> Void
    ) throws(LMDBFailure) {
        let sample = kept.sample
        let headerBytes = headerBytes(targets: sample.targets.count)
        let activations = UnsafeMutableRawBufferPointer(rebasing: target[headerBytes...])
        try fill(activations)
        var header = ByteWriter()
        header.append(XXH64.hash(UnsafeRawBufferPointer(activations)))
        for number in [headerBytes, sample.targets.count, sample.rows, sample.columns, sample.cut] {
            header.append(UInt32(clamping: number))
        }
        header.append(kept.message.device)
        header.append(kept.message.sequence)
        for item in sample.targets { header.append(item) }
        for _ in header.bytes.count..<headerBytes - 8 { header.append(UInt8(0)) }
        let checksum = header.bytes.withUnsafeBytes { headerChecksum(of: sample.id, $0) }
        target.storeBytes(of: checksum.littleEndian, as: UInt64.self)
        UnsafeMutableRawBufferPointer(rebasing: target[8..<headerBytes]).copyBytes(from: header.bytes)
    }

    /// A record whose header is what was written, or nil.
    init?(id: UInt64, _ value: UnsafeRawBufferPointer, codec: PayloadCodec) {
        guard value.count >= Self.fixedBytes else { return nil }
        let headerBytes = Int(UInt32(littleEndian: value.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
        guard headerBytes >= Self.fixedBytes, headerBytes <= value.count else { return nil }
        let header = UnsafeRawBufferPointer(rebasing: value[8..<headerBytes])
        guard
            UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)) == Self.headerChecksum(of: id, header)
        else { return nil }
        var reader = ByteReader(header)
        guard let checksum = reader.number(UInt64.self), reader.number(UInt32.self) != nil,
            let targetCount = reader.number(UInt32.self), let rows = reader.number(UInt32.self),
            let columns = reader.number(UInt32.self), let cut = reader.number(UInt32.self),
            let device = reader.number(UInt32.self), let sequence = reader.number(UInt64.self),
            headerBytes == Self.headerBytes(targets: Int(targetCount))
        else { return nil }
        activations = UnsafeRawBufferPointer(rebasing: value[headerBytes...])
        guard codec.byteCount(rows: Int(rows), columns: Int(columns)) == activations.count else { return nil }
        self.checksum = checksum
        sample = StoredSample(
            id: id, targets: (0..<targetCount).compactMap { _ in reader.number(Int32.self) }, rows: Int(rows),
            columns: Int(columns), cut: Int(cut))
        message = MessageKey(device: device, sequence: sequence)
    }

    /// Whether the activations are what was written.
    var isWhole: Bool { XXH64.hash(activations) == checksum }

    private static func headerChecksum(of id: UInt64, _ header: UnsafeRawBufferPointer) -> UInt64 {
        var hash = XXH64()
        withUnsafeBytes(of: id.bigEndian) { hash.update($0) }
        hash.update(header)
        return hash.value
    }
}

/// A part of a message that is not complete, as it lies in the file: a checksum over key and activations (8), zeros
/// (8), activations in the store's codec.
enum PartRecord {
    static let headerBytes = 16

    static func write(
        key: [UInt8], to target: UnsafeMutableRawBufferPointer, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        let activations = UnsafeMutableRawBufferPointer(rebasing: target[headerBytes...])
        fill(activations)
        target.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
        let checksum = key.withUnsafeBytes { Self.checksum(key: $0, UnsafeRawBufferPointer(activations)) }
        target.storeBytes(of: checksum.littleEndian, as: UInt64.self)
    }

    /// The activations, believed unread; nil when the record is shorter than its header.
    static func activations(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        value.count >= headerBytes ? UnsafeRawBufferPointer(rebasing: value[headerBytes...]) : nil
    }

    /// Whether the activations are what was written.
    static func isWhole(key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard let activations = activations(value) else { return false }
        return UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)) == checksum(key: key, activations)
            && value.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == 0
    }

    private static func checksum(key: UnsafeRawBufferPointer, _ activations: UnsafeRawBufferPointer) -> UInt64 {
        var hash = XXH64()
        hash.update(key)
        hash.update(activations)
        return hash.value
    }
}
