import Datasets
import Diagnostics
import Foundation
import Testing

@Suite("Readers of labelled text")
struct ReaderTests {
    private let labels: LabelMap

    init() throws { labels = try LabelMap(["negative", "positive"]) }

    private func rated(_ text: String, minimum: Double = 0) throws -> [Example] {
        try RatedSentences.parse(Data(text.utf8), file: "film.txt", labels: labels, minimumAbsoluteRating: minimum)
    }

    @Test("the sign of the rating is the class, and a rating of zero is dropped")
    func signs() throws {
        let examples = try rated("1\t2.5\tSplendid.\n2\t-0.1\tDull.\n3\t0\tA film.\n4\t-0.0\tA film, too.\n")
        #expect(
            examples == [Example(line: 1, text: "Splendid.", label: 1), Example(line: 2, text: "Dull.", label: 0)])
    }

    @Test("the order of the label map decides the class indices")
    func labelOrder() throws {
        let reversed = try LabelMap(["positive", "negative"])
        let examples = try RatedSentences.parse(Data("1\t1\tYes\n2\t-1\tNo".utf8), file: "f", labels: reversed)
        #expect(examples.map(\.label) == [0, 1])
    }

    @Test("a minimum rating keeps what is at least as far from zero")
    func minimum() throws {
        let text = "1\t0.5\ta\n2\t-0.5\tb\n3\t0.49\tc\n4\t-3\td"
        #expect(try rated(text, minimum: 0.5).map(\.text) == ["a", "b", "d"])
    }

    @Test("CRLF, a byte order mark, blank lines at the end and a missing last newline change nothing")
    func lineEndings() throws {
        let plain = try rated("1\t1\tFünf Sterne\n2\t-1\tNo star\n")
        #expect(plain.count == 2)
        #expect(try rated("\u{FEFF}1\t1\tFünf Sterne\r\n2\t-1\tNo star\r\n\r\n  \n\n") == plain)
        #expect(try rated("1\t1\tFünf Sterne\n2\t-1\tNo star") == plain)
    }

    @Test("an empty file has no examples", arguments: ["", "\n", "\r\n\r\n"])
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
        ) { try RatedSentences.parse(bytes, file: "f", labels: labels) }
    }

    @Test("random bytes are read or refused, never a crash", arguments: 0..<200 as Range<UInt64>)
    func randomBytes(seed: UInt64) {
        let bytes = randomLines(seed: seed)
        do {
            let examples = try RatedSentences.parse(bytes, file: "f", labels: labels)
            #expect(examples.allSatisfy { !$0.text.isEmpty && (0..<2).contains($0.label) })
        } catch {
            #expect([.dataMalformedLine, .dataUnknownLabel].contains(error.exitCode))
        }
    }

    @Test("rated sentences need the classes negative and positive")
    func wrongClasses() throws {
        let map = try LabelMap(["bad", "good"])
        let error = #expect(throws: DataError.self) {
            try RatedSentences.parse(Data("1\t1\ta".utf8), file: "f", labels: map)
        }
        #expect(error?.exitCode == .dataUnknownLabel)
    }

    @Test("labelled lines take their classes from the map")
    func labelledLines() throws {
        let topics = try LabelMap(["sport", "science", "art"])
        let examples = try LabelledLines.parse(Data("art\tA song\r\nsport\tA goal\n".utf8), file: "f", labels: topics)
        #expect(examples == [Example(line: 1, text: "A song", label: 2), Example(line: 2, text: "A goal", label: 0)])
    }

    @Test("a label missing from the map is refused with its line, the known labels and the nearest")
    func unknownLabel() throws {
        let error = #expect(throws: DataError.self) {
            try LabelledLines.parse(Data("positive\ta\npositve\tb\n".utf8), file: "f.tsv", labels: labels)
        }
        #expect(
            error == .unknownLabel(file: "f.tsv", line: 2, label: "positve", known: ["negative", "positive"]))
        #expect(error?.problem.contains("'negative', 'positive'") == true)
        #expect(error?.remedy.contains("'positive'") == true)
    }

    @Test("a label map needs two different names", arguments: [[], ["one"], ["one", "one"]])
    func unusableLabels(names: [String]) {
        #expect(throws: DataError.self) { try LabelMap(names) }
    }

    @Test("a missing file and a folder are refused by name", arguments: ["/no/such/file.txt", "/"])
    func unreadable(path: String) {
        let error = #expect(throws: DataError.self) { try RatedSentences.read(file: path, labels: labels) }
        #expect(error?.exitCode == .dataUnreadable)
        #expect(error?.problem.contains(path) == true)
    }

    @Test("a file is read as its bytes are")
    func file() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("data.tsv")
        try Data("negative\tgrey\n".utf8).write(to: file)
        #expect(
            try LabelledLines.read(file: file.path, labels: labels) == [Example(line: 1, text: "grey", label: 0)])
    }
}
