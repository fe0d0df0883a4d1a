import Datasets
import Diagnostics
import Foundation
import Randomness
import Testing

@Suite("Readers of tables and JSON lines")
struct TableReaderTests {
    private func csv(_ text: String, columns: [String]? = nil) throws -> [Record] {
        try RecordFormat.commaSeparated(columns: columns).parse(Data(text.utf8), file: "f.csv")
    }

    private func tsv(_ text: String, columns: [String]? = nil) throws -> [Record] {
        try RecordFormat.tabSeparated(columns: columns).parse(Data(text.utf8), file: "f.tsv")
    }

    private func json(_ text: String) throws -> [Record] {
        try RecordFormat.jsonLines.parse(Data(text.utf8), file: "f.jsonl")
    }

    private func values(_ records: [Record], _ field: String) -> [String?] { records.map { $0.fields[field] } }

    @Test("the first line names the fields of a table, unless columns do")
    func header() throws {
        #expect(try values(tsv("label\ttext\nart\tA song\n"), "text") == ["A song"])
        #expect(try values(tsv("art\tA song\n", columns: ["label", "text"]), "text") == ["A song"])
        #expect(try values(csv("label,text\r\nart,A song"), "text") == ["A song"])
        #expect(try values(csv("art,A song", columns: ["label", "text"]), "label") == ["art"])
        #expect(try tsv("label\ttext\n").isEmpty)
        #expect(try csv("").isEmpty)
    }

    @Test("quotes hold commas, line ends, doubled quotes and nothing; lines are counted where records begin")
    func quotes() throws {
        let records = try csv("a,b\n\"x, \"\"y\"\"\",\"one\r\ntwo\n\"\n\"\",\"\"\n1, z \n")
        #expect(values(records, "a") == ["x, \"y\"", "", "1"])
        #expect(values(records, "b") == ["one\r\ntwo\n", "", " z "])
        #expect(records.map(\.line) == [2, 5, 6])
    }

    @Test("any values come back from CSV as they were written", arguments: 1...60 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed, stream: "test/csv")
        let pieces = ["a", ",", "\"", "\n", "\r\n", " ", "é", "\t", "{", "x"]
        let width = Int.random(in: 1...4, using: &generator)
        let rows = (0..<10).map { _ in
            (0..<width).map { _ in
                (0..<Int.random(in: 0...6, using: &generator))
                    .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
            }
        }
        let ending = Bool.random(using: &generator) ? "\r\n" : "\n"
        let text = rows.map { row in
            row.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",")
        }.joined(separator: ending)
        let names = (0..<width).map { "column \($0)" }
        let records = try csv(text, columns: names)
        #expect(records.map { record in names.map { record.fields[$0] ?? "" } } == rows)
    }

    @Test(
        "a malformed CSV file is refused with the line that is to blame",
        arguments: [
            ("a,b\n1,2,3\n", 2, "3 fields"), ("a,b\n\"x\ny\",1\n1\n", 4, "1 field"), ("a,b\n1,\"x\n\n", 2, "the end"),
            ("a,b\n1,x\"y\n", 2, "a quote inside a value"), ("a,b\n\"x\"y,1\n", 2, "other text"),
            ("a,b\n1,x\ry\n", 2, "other text"), ("a,b\n1,x\0\n", 2, "a NUL byte"),
            ("a,b\n\n1,2\n", 2, "a blank line"), ("a,a\n1,2\n", 1, "'a' twice"), ("a, \n1,2\n", 1, "an empty name"),
            ("a,b\n\"" + String(repeating: "x", count: 1 << 20) + "\",1\n", 2, "more"),
        ])
    func malformedCSV(text: String, line: Int, found: String) throws {
        let error = #expect(throws: DataError.self) { try csv(text) }
        #expect(error?.exitCode == .dataMalformedLine)
        #expect(error?.problem.hasPrefix("f.csv, line \(line): ") == true, "\(error?.problem ?? "")")
        #expect(error?.problem.contains(found) == true, "\(error?.problem ?? "")")
    }

    @Test("texts, numbers and truth values of JSON become fields, a null none")
    func jsonValues() throws {
        let records = try json("{\"a\": \"é\\n\", \"b\": 12, \"c\": -0.5, \"d\": true, \"e\": null}\r\n{}\n\n")
        #expect(records.map(\.line) == [1, 2])
        #expect(records[0].fields == ["a": "é\n", "b": "12", "c": "-0.5", "d": "true"])
        #expect(records[1].fields.isEmpty)
    }

    @Test("a line of JSON may be longer than other lines")
    func longJSON() throws {
        let text = String(repeating: "x", count: 500_000)
        #expect(try values(json("{\"a\": \"\(text)\"}"), "a") == [text])
        #expect(throws: DataError.self) { try json("{\"a\": \"\(text)\(text)\(text)\"}") }
        #expect(throws: DataError.self) { try tsv("\(text)\tx", columns: ["a", "b"]) }
    }

    @Test(
        "a line that is no flat object is refused with its number and key",
        arguments: [
            ("{\"a\": [1]}", "as 'a', found a list or an object"), ("{\"a\": {\"b\": 1}}", "as 'a', found a list"),
            ("[1]", "a JSON object, found '[1]'"), ("3", "a JSON object"), ("{\"a\": 1", "a JSON object"),
            ("{\"a\": 1} x", "a JSON object"), ("{\"a\": nan}", "a JSON object"), ("", "a blank line"),
            (String(repeating: "[", count: 20_000), "a JSON object"),
            (String(repeating: "{\"a\":", count: 20_000), "JSON object"),
        ])
    func malformedJSON(line: String, mention: String) throws {
        let error = #expect(throws: DataError.self) { try json("{\"a\": 1}\n\(line)\n{\"a\": 2}\n") }
        #expect(error?.exitCode == .dataMalformedLine)
        #expect(error?.problem.hasPrefix("f.jsonl, line 2: ") == true)
        #expect(error?.problem.contains(mention) == true, "\(error?.problem ?? "")")
    }

    @Test("random bytes are read or refused, never a crash", arguments: 0..<400 as Range<UInt64>)
    func randomBytes(seed: UInt64) {
        let bytes = randomLines(seed: seed)
        let formats: [RecordFormat] = [
            .ratedSentences(minimumAbsoluteRating: 0), .tabSeparated(columns: nil), .commaSeparated(columns: nil),
            .commaSeparated(columns: ["a", "b"]), .jsonLines,
        ]
        for format in formats {
            do {
                let records = try format.parse(bytes, file: "f")
                #expect(records.allSatisfy { $0.line >= 1 })
            } catch {
                #expect(error.exitCode == .dataMalformedLine)
            }
        }
    }
}
