import Diagnostics
import Foundation

/// The lines of a text file, checked before anything looks at their meaning.
///
/// UTF-8 with or without a byte order mark; lines end in LF or CRLF; blank lines are tolerated at the end only.
struct DataLines {
    /// A line of more bytes than this is no sentence but a sign of the wrong file.
    static let maximumBytes = 65_536

    let file: String
    private let bytes: Data

    /// Reads a file.
    ///
    /// - Throws: `DataError.unreadable`.
    init(file: String) throws(DataError) {
        do {
            self.init(file: file, bytes: try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe))
        } catch {
            throw .unreadable(file: file, reason: systemReason(of: error))
        }
    }

    /// Lines that are in memory already; `file` names them in errors.
    init(file: String, bytes: Data) {
        self.file = file
        self.bytes = bytes
    }

    /// Splits every line into its tab-separated fields and gives them to `body` with the line's number.
    ///
    /// - Parameter fields: what each field is; a line must have exactly these.
    /// - Throws: `DataError.malformedLine`, or whatever `body` throws.
    func forEachRecord(
        fields: [String], _ body: (_ line: Int, _ values: [Substring]) throws(DataError) -> Void
    ) throws(DataError) {
        let expected = fields.joined(separator: " TAB ")
        for (line, text) in try texts() {
            let values = text.split(separator: "\t", omittingEmptySubsequences: false)
            guard values.count == fields.count else {
                throw malformed(line, expected: expected, found: count(values.count, "field"))
            }
            for (value, field) in zip(values, fields) where value.allSatisfy(\.isWhitespace) {
                throw malformed(line, expected: expected, found: "an empty \(field)")
            }
            try body(line, values)
        }
    }

    /// The error for a line that is not what it should be.
    func malformed(_ line: Int, expected: String, found: String) -> DataError {
        .malformedLine(file: file, line: line, expected: expected, found: found)
    }

    private func texts() throws(DataError) -> [(line: Int, text: String)] {
        let byteOrderMark = Data([0xEF, 0xBB, 0xBF])
        let content = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(byteOrderMark.count) : bytes[...]
        var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        while lines.last?.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) == true {
            lines.removeLast()
        }
        var texts: [(line: Int, text: String)] = []
        texts.reserveCapacity(lines.count)
        for (index, bytes) in lines.enumerated() {
            texts.append((line: index + 1, text: try text(of: bytes, line: index + 1)))
        }
        return texts
    }

    private func text(of bytes: Data, line: Int) throws(DataError) -> String {
        guard bytes.count <= Self.maximumBytes else {
            throw malformed(
                line, expected: "at most \(Self.maximumBytes) bytes in a line", found: "\(bytes.count) bytes")
        }
        guard !bytes.contains(0) else {
            throw malformed(line, expected: "text", found: "a NUL byte")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw malformed(line, expected: "UTF-8 text", found: "bytes that are not UTF-8")
        }
        guard !text.allSatisfy(\.isWhitespace) else {
            throw malformed(line, expected: "an example", found: "a blank line before the end of the file")
        }
        return text
    }
}

private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
