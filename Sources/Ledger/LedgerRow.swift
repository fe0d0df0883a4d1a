import Diagnostics
import Foundation
internal import GRDB

/// A type of which each value is a row of a table.
///
/// Every row carries a checksum over the table's name and all columns in order of their names. It is written with the
/// row and verified whenever the row is read, for every table in the same way.
protocol LedgerRow: Codable, Sendable, FetchableRecord, EncodableRecord {
    static var table: String { get }
    /// The columns of the primary key.
    static var key: [String] { get }
}

/// A row that knows when it was recorded.
protocol StampedRow: LedgerRow {
    var time: Double { get set }
}

/// A row whose id counts the rows of its table.
protocol NumberedRow: LedgerRow {
    var id: Int64 { get set }
}

/// The column of every table that holds the row's checksum.
let checksumColumn = "checksum"

extension LedgerRow {
    /// The columns in order of their names, with values as SQLite will give them back.
    func columns() throws -> [(name: String, value: DatabaseValue)] {
        try databaseDictionary.map { (name: $0.key, value: $0.value.asStored) }.sorted { $0.name < $1.name }
    }

    /// Reads a row that was verified.
    static func verified(_ row: Row) throws -> Self {
        let columns = row.lazy.map { (name: $0, value: $1) }.filter { $0.name != checksumColumn }
            .sorted { $0.name < $1.name }
        guard (row[checksumColumn] as DatabaseValue?) == checksum(columns).databaseValue else {
            throw RowDamage(table: table, row: name(row), reason: "its checksum is wrong")
        }
        do {
            return try Self(row: row)
        } catch {
            throw RowDamage(table: table, row: name(row), reason: "a value is of the wrong kind")
        }
    }

    /// XXH64 over table, names and values, each with its kind and length.
    static func checksum(_ columns: [(name: String, value: DatabaseValue)]) -> Int64 {
        var bytes = Array(table.utf8) + [0]
        func add(_ kind: UInt8, _ word: UInt64) {
            bytes.append(kind)
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for (name, value) in columns {
            bytes.append(contentsOf: name.utf8)
            switch value.storage {
            case .null: add(0, 0)
            case .int64(let number): add(1, UInt64(bitPattern: number))
            case .double(let number): add(2, number.bitPattern)
            case .string(let text):
                add(3, UInt64(text.utf8.count))
                bytes.append(contentsOf: text.utf8)
            case .blob(let data):
                add(4, UInt64(data.count))
                bytes.append(contentsOf: data)
            }
        }
        return Int64(bitPattern: bytes.withUnsafeBytes { XXH64.hash($0) })
    }

    /// `run=movies-1 id=gateway-7`, also of a damaged row.
    private static func name(_ row: Row) -> String {
        key.map { "\($0)=\((row[$0] as DatabaseValue?)?.description ?? "?")" }.joined(separator: " ")
    }
}

/// A row that is not what was written.
struct RowDamage: Error {
    let table: String
    let row: String?
    let reason: String
}

extension DatabaseValue {
    /// The value that SQLite gives back for this one: it knows no NaN and no negative zero, and a text ends at a zero.
    fileprivate var asStored: DatabaseValue {
        switch storage {
        case .double(let number) where number.isNaN: .null
        case .double(let number) where number == 0: 0.0.databaseValue
        case .string(let text) where text.utf8.contains(0):
            text.replacing("\0", with: "\u{FFFD}").databaseValue
        default: self
        }
    }
}
