import Foundation

/// The reader of comma-separated values (RFC 4180): a state machine over bytes.
///
/// A record ends in LF or CRLF. A value in double quotes may hold commas, line ends and doubled quotes; a quote inside
/// a value without quotes is refused, as it is more often a mistake than meant. Empty lines are tolerated at the end
/// only.
struct CommaSeparatedRows {
    /// A record of more bytes than this means a quote that is never closed.
    private static let maximumBytes = 1 << 20

    private enum State {
        case valueStart, plain, quoted, quoteInQuoted, carriageReturn
    }

    private let file: String
    private var state = State.valueStart
    /// The line that is read, and the lines on which the record and its latest quoted value began.
    private var line = 1, recordLine = 1, quoteLine = 1
    private var recordBytes = 0
    private var value: [UInt8] = []
    private var values: [String] = []
    private var rows: [TableRow] = []
    private var isQuotedRecord = false
    private var blankLine: Int?

    /// The rows of a whole file without a byte order mark; `file` names it in errors.
    ///
    /// - Throws: `DataError.malformedLine`.
    static func parse(_ bytes: Data, file: String) throws(DataError) -> [TableRow] {
        var reader = CommaSeparatedRows(file: file)
        for byte in bytes { try reader.take(byte) }
        return try reader.finish()
    }

    private init(file: String) { self.file = file }

    private mutating func take(_ byte: UInt8) throws(DataError) {
        recordBytes += 1
        guard recordBytes <= Self.maximumBytes else {
            throw malformed(recordLine, "at most \(Self.maximumBytes) bytes in a record", "more")
        }
        switch (state, byte) {
        case (.carriageReturn, UInt8(ascii: "\n")): try endRecord()
        case (.carriageReturn, _): throw malformed(line, "a line end after CR", "other text")
        case (.quoted, UInt8(ascii: "\"")): state = .quoteInQuoted
        case (.quoted, _):
            value.append(byte)
            if byte == UInt8(ascii: "\n") { line += 1 }
        case (.quoteInQuoted, UInt8(ascii: "\"")):
            value.append(byte)
            state = .quoted
        case (_, UInt8(ascii: ",")): try endValue()
        case (_, UInt8(ascii: "\n")): try endRecord()
        case (_, UInt8(ascii: "\r")): state = .carriageReturn
        case (.valueStart, UInt8(ascii: "\"")):
            state = .quoted
            quoteLine = line
            isQuotedRecord = true
        case (.quoteInQuoted, _): throw malformed(line, "a comma or a line end after a closing quote", "other text")
        case (_, UInt8(ascii: "\"")): throw malformed(line, "quotes around a whole value", "a quote inside a value")
        default:
            value.append(byte)
            state = .plain
        }
    }

    private mutating func endValue() throws(DataError) {
        values.append(try checkedText(value, file: file, line: recordLine))
        value.removeAll(keepingCapacity: true)
        state = .valueStart
    }

    private mutating func endRecord() throws(DataError) {
        try endValue()
        if values == [""], !isQuotedRecord {
            blankLine = blankLine ?? recordLine
        } else if let blankLine {
            throw malformed(blankLine, "an example", "a blank line before the end of the file")
        } else {
            rows.append(TableRow(line: recordLine, values: values))
        }
        line += 1
        recordLine = line
        recordBytes = 0
        values.removeAll()
        isQuotedRecord = false
    }

    private mutating func finish() throws(DataError) -> [TableRow] {
        guard state != .quoted else { throw malformed(quoteLine, "a closing quote", "the end of the file") }
        if recordBytes > 0 { try endRecord() }
        return rows
    }

    private func malformed(_ line: Int, _ expected: String, _ found: String) -> DataError {
        .malformedLine(file: file, line: line, expected: expected, found: found)
    }
}
