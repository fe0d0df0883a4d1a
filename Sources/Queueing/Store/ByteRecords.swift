import Diagnostics

/// Makes a record: little-endian numbers, texts and bytes behind their length.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ block: [UInt8]) {
        append(UInt32(clamping: block.count))
        bytes.append(contentsOf: block)
    }

    mutating func append(_ text: String) { append(Array(text.utf8)) }

    /// The record with a checksum over table, key and record behind it.
    func sealed(_ table: StoreTable, _ key: [UInt8]) -> [UInt8] {
        var result = self
        result.append(key.withUnsafeBytes { key in bytes.withUnsafeBytes { sealChecksum(table, key, $0) } })
        return result.bytes
    }
}

/// Reads a record. Every read is nil beyond the end.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// A sealed record, or nil when its checksum does not fit.
    init?(_ sealed: UnsafeRawBufferPointer, in table: StoreTable, key: UnsafeRawBufferPointer) {
        guard sealed.count >= 8 else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: sealed[..<(sealed.count - 8)])
        let checksum = UInt64(littleEndian: sealed.loadUnaligned(fromByteOffset: body.count, as: UInt64.self))
        guard sealChecksum(table, key, body) == checksum else { return nil }
        self.init(body)
    }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number? {
        guard bytes.count - offset >= MemoryLayout<Number>.size else { return nil }
        defer { offset += MemoryLayout<Number>.size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    mutating func block() -> [UInt8]? {
        guard let count = number(UInt32.self), bytes.count - offset >= Int(count) else { return nil }
        defer { offset += Int(count) }
        return Array(bytes[offset..<offset + Int(count)])
    }

    mutating func text() -> String? { block().map { String(decoding: $0, as: UTF8.self) } }

    /// Several values behind their number, each of at least `minimumBytes`.
    mutating func list<Value>(minimumBytes: Int, _ read: (inout ByteReader) -> Value?) -> [Value]? {
        guard let count = number(UInt32.self), Int(count) <= (bytes.count - offset) / minimumBytes else { return nil }
        var values: [Value] = []
        values.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let value = read(&self) else { return nil }
            values.append(value)
        }
        return values
    }
}

private func sealChecksum(
    _ table: StoreTable, _ key: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
) -> UInt64 {
    var hash = XXH64()
    Array(table.rawValue.utf8).withUnsafeBytes { hash.update($0) }
    hash.update(key)
    hash.update(body)
    return hash.value
}
