import Foundation

/// The lines of a text file, checked before anything looks at their meaning.
///
/// UTF-8; lines end in LF or CRLF; blank lines are tolerated at the end only.
struct DataLines {
    let file: String
    private let bytes: Data
    /// A line of more bytes than this is no example but a sign of the wrong file.
    private let maximumBytes: Int

    /// Lines of bytes without a byte order mark; `file` names them in errors.
    init(file: String, bytes: Data, maximumBytes: Int = 65_536) {
        self.file = file
        self.bytes = bytes
        self.maximumBytes = maximumBytes
    }

    /// Every line with its number, from 1.
    ///
    /// - Throws: `DataError.malformedLine`.
    func texts() throws(DataError) -> [(line: Int, text: String)] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
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

    /// Every line split at its tabs.
    ///
    /// - Throws: `DataError.malformedLine`.
    func rows() throws(DataError) -> [TableRow] {
        try texts().map { line, text in
            TableRow(line: line, values: text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init))
        }
    }

    /// The error for a line that is not what it should be.
    func malformed(_ line: Int, expected: String, found: String) -> DataError {
        .malformedLine(file: file, line: line, expected: expected, found: found)
    }

    private func text(of bytes: Data, line: Int) throws(DataError) -> String {
        guard bytes.count <= maximumBytes else {
            throw malformed(line, expected: "at most \(maximumBytes) bytes in a line", found: "\(bytes.count) bytes")
        }
        let text = try checkedText(bytes, file: file, line: line)
        guard !text.allSatisfy(\.isWhitespace) else {
            throw malformed(line, expected: "an example", found: "a blank line before the end of the file")
        }
        return text
    }
}

/// Bytes of a data file as text.
///
/// - Throws: `DataError.malformedLine` for bytes that are no UTF-8, and for a NUL.
func checkedText(_ bytes: some Sequence<UInt8>, file: String, line: Int) throws(DataError) -> String {
    guard !bytes.contains(0) else {
        throw .malformedLine(file: file, line: line, expected: "text", found: "a NUL byte")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .malformedLine(file: file, line: line, expected: "UTF-8 text", found: "bytes that are not UTF-8")
    }
    return text
}
