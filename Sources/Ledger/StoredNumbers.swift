import Foundation
internal import GRDB

/// What a column holds; in the module's interface there is nothing of GRDB.
protocol StoredValue: DatabaseValueConvertible {}

/// A 64-bit number without a sign, which SQLite keeps as the signed number of the same bits.
@propertyWrapper
public struct StoredBits: Codable, Sendable, Equatable {
    /// The number.
    public var wrappedValue: UInt64

    /// A number to be stored.
    public init(wrappedValue: UInt64) { self.wrappedValue = wrappedValue }

    /// Reads the plain number.
    public init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode(UInt64.self)
    }

    /// Writes the plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension StoredBits: StoredValue {
    var databaseValue: DatabaseValue { Int64(bitPattern: wrappedValue).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> StoredBits? {
        Int64.fromDatabaseValue(value).map { StoredBits(wrappedValue: UInt64(bitPattern: $0)) }
    }
}

/// A list of 64-bit numbers, which SQLite keeps as one blob of little-endian words.
@propertyWrapper
public struct StoredWords: Codable, Sendable, Equatable {
    /// The numbers.
    public var wrappedValue: [UInt64]

    /// Numbers to be stored.
    public init(wrappedValue: [UInt64]) { self.wrappedValue = wrappedValue }

    /// Reads a plain list.
    public init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode([UInt64].self)
    }

    /// Writes a plain list.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }

    /// The numbers as bytes, eight each.
    static func bytes(_ words: [UInt64]) -> Data {
        var data = Data(capacity: words.count * 8)
        for word in words { withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) } }
        return data
    }
}

extension StoredWords: StoredValue {
    var databaseValue: DatabaseValue { Self.bytes(wrappedValue).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> StoredWords? {
        guard let data = Data.fromDatabaseValue(value), data.count.isMultiple(of: 8) else { return nil }
        let words = data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
            }
        }
        return StoredWords(wrappedValue: words)
    }
}
