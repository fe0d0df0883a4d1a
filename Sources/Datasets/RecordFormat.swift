import Diagnostics
import Foundation

/// The form of a data file.
public enum RecordFormat: Sendable, Equatable {
    /// `id TAB mean rating TAB sentence` without a header; ratings nearer to zero than the minimum are left out.
    case ratedSentences(minimumAbsoluteRating: Double)
    /// Values separated by tabs; the first line names the fields, unless `columns` does.
    case tabSeparated(columns: [String]?)
    /// Values separated by commas (RFC 4180); the first record names the fields, unless `columns` does.
    case commaSeparated(columns: [String]?)
    /// One JSON object per line.
    case jsonLines
}

extension RecordFormat {
    /// The records of a file, in the file's order.
    ///
    /// - Throws: `DataError`.
    public func read(file: String) throws(DataError) -> [Record] {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)
        } catch {
            throw .unreadable(file: file, reason: systemReason(of: error))
        }
        return try parse(bytes, file: file)
    }

    /// The records of bytes that are in memory already; `file` names them in errors.
    ///
    /// - Throws: `DataError`.
    public func parse(_ bytes: Data, file: String) throws(DataError) -> [Record] {
        let byteOrderMark = Data([0xEF, 0xBB, 0xBF])
        let content = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(byteOrderMark.count) : bytes[...]
        switch self {
        case .ratedSentences(let minimum):
            return try ratedRecords(DataLines(file: file, bytes: content), minimumAbsoluteRating: minimum)
        case .tabSeparated(let columns):
            let rows = try DataLines(file: file, bytes: content).rows()
            return try tableRecords(rows, columns: columns, separator: " TAB ", file: file)
        case .commaSeparated(let columns):
            let rows = try CommaSeparatedRows.parse(content, file: file)
            return try tableRecords(rows, columns: columns, separator: ",", file: file)
        case .jsonLines:
            return try jsonRecords(DataLines(file: file, bytes: content, maximumBytes: 1 << 20))
        }
    }
}
