import Datasets
import Diagnostics
import Foundation
import Testing

@Suite("The reader of rated sentences")
struct RatedSentenceTests {
    private func rated(_ text: String, minimum: Double = 0) throws -> [Record] {
        try RecordFormat.ratedSentences(minimumAbsoluteRating: minimum).parse(Data(text.utf8), file: "film.txt")
    }

    @Test("the sign of the rating is the label, and a rating of zero is left out")
    func signs() throws {
        let records = try rated("1\t2.5\tSplendid.\n2\t-0.1\tDull.\n3\t0\tA film.\n4\t-0.0\tA film, too.\n")
        #expect(records.map(\.line) == [1, 2])
        #expect(records[0].fields == ["id": "1", "rating": "2.5", "text": "Splendid.", "label": "positive"])
        #expect(records[1].fields == ["id": "2", "rating": "-0.1", "text": "Dull.", "label": "negative"])
    }

    @Test("a minimum rating keeps what is at least as far from zero")
    func minimum() throws {
        let text = "1\t0.5\ta\n2\t-0.5\tb\n3\t0.49\tc\n4\t-3\td"
        #expect(try rated(text, minimum: 0.5).map { $0.fields["text"] } == ["a", "b", "d"])
    }

    @Test("CRLF, a byte order mark, blank lines at the end and a missing last newline change nothing")
    func lineEndings() throws {
        let plain = try rated("1\t1\tFünf Sterne\n2\t-1\tNo star\n")
        #expect(plain.count == 2)
        #expect(try rated("\u{FEFF}1\t1\tFünf Sterne\r\n2\t-1\tNo star\r\n\r\n  \n\n") == plain)
        #expect(try rated("1\t1\tFünf Sterne\n2\t-1\tNo star") == plain)
    }

    @Test("an empty file has no records", arguments: ["", "\n", "\r\n\r\n"])
    func empty(text: String) throws { #expect(try rated(text).isEmpty) }

    @Test(
        "a malformed line is refused with its number, what was expected and what was found",
        arguments: [
            ("2\t1.0", "id TAB rating TAB sentence", "2 fields"),
            ("just words", "id TAB rating TAB sentence", "1 field"),
            ("2\t1\tone\ttwo", "id TAB rating TAB sentence", "4 fields"),
            ("2\tgood\ttext", "a finite number as rating", "'good'"),
            ("2\tnan\ttext", "a finite number as rating", "'nan'"),
            ("2\t1e999\ttext", "a finite number as rating", "'1e999'"),
            ("2\t1\t  ", "id TAB rating TAB sentence", "an empty sentence"),
            ("\t1\ttext", "id TAB rating TAB sentence", "an empty id"),
            ("2\t1\tte\0xt", "text", "a NUL byte"),
            ("", "an example", "a blank line before the end of the file"),
            ("2\t1\t" + String(repeating: "x", count: 70_000), "at most 65536 bytes in a line", "70004 bytes"),
        ])
    func malformed(line: String, expected: String, found: String) throws {
        let error = #expect(throws: DataError.self) { try rated("1\t1\tfine\n\(line)\n3\t-1\tfine\n") }
        #expect(error == .malformedLine(file: "film.txt", line: 2, expected: expected, found: found))
        #expect(error?.exitCode == .dataMalformedLine)
        #expect(error?.problem.contains("film.txt, line 2") == true)
    }

    @Test("bytes that are not UTF-8 are refused")
    func notUnicode() {
        let bytes = Data("1\t1\tfine\n2\t1\tcaf".utf8) + Data([0xE9, 0x0A])
        #expect(
            throws: DataError.malformedLine(
                file: "f", line: 2, expected: "UTF-8 text", found: "bytes that are not UTF-8")
        ) { try RecordFormat.ratedSentences(minimumAbsoluteRating: 0).parse(bytes, file: "f") }
    }

    @Test("a missing file and a folder are refused by name", arguments: ["/no/such/file.txt", "/"])
    func unreadable(path: String) {
        let error = #expect(throws: DataError.self) { try RecordFormat.jsonLines.read(file: path) }
        #expect(error?.exitCode == .dataUnreadable)
        #expect(error?.problem.contains(path) == true)
    }

    @Test("a file is read as its bytes are")
    func file() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("data.tsv")
        try Data("label\ttext\nnegative\tgrey\n".utf8).write(to: file)
        let records = try RecordFormat.tabSeparated(columns: nil).read(file: file.path)
        #expect(records == [Record(file: file.path, line: 2, fields: ["label": "negative", "text": "grey"])])
    }
}
