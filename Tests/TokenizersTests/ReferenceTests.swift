import Foundation
import Support
import Testing

@testable import Tokenizers

@Suite("Token ids against the reference library")
struct ReferenceTests {
    @Test("a small vocabulary gives the reference ids on awkward text, under both word rules")
    func tiny() throws {
        let fixture = try TinyFixture.load()
        let smollm = try fixture.tokenizer(.smollm)
        let gpt2 = try fixture.tokenizer(.gpt2)
        #expect(fixture.cases.count >= 300)
        for example in fixture.cases {
            #expect(smollm.encode(example.text) == example.smollm, "\(example.text.debugDescription)")
            #expect(gpt2.encode(example.text) == example.gpt2, "\(example.text.debugDescription)")
        }
    }

    @Test("every Unicode character is the letter, number, space or sign that the reference takes it for")
    func classes() throws {
        let names: [Substring: ScalarClass] = [
            "L": .letter, "N": .number, "S": .space, "O": .other, "R": .recentNumber,
        ]
        var seen = 0
        var wrong: [String] = []
        let fixture = try String(contentsOf: fixture("scalar-classes.txt"), encoding: .utf8)
        for line in fixture.split(separator: "\n") {
            let fields = line.split(separator: " ")
            let first = try #require(UInt32(fields[0], radix: 16))
            let last = try #require(UInt32(fields[1], radix: 16))
            let expected = try #require(names[fields[2]])
            for code in first...last {
                guard let scalar = Unicode.Scalar(code) else { continue }
                seen += 1
                if ScalarClass(scalar) != expected { wrong.append(String(code, radix: 16)) }
            }
        }
        #expect(seen == 0x11_0000 - 0x800)
        #expect(wrong == [])
    }

    @Test(
        "the model's vocabulary gives the reference ids and text on awkward strings",
        .enabled(if: Fixtures.exist(Fixtures.model), "needs the model that scripts/fetch brings"))
    func awkward() throws {
        let tokenizer = try modelTokenizer()
        let cases = try AwkwardCase.load()
        #expect(cases.count >= 400)
        for example in cases {
            #expect(tokenizer.encode(example.text) == example.ids, "\(example.text.debugDescription)")
            #expect(
                tokenizer.encode(example.text, recognisingSpecialTokens: true) == example.special,
                "\(example.text.debugDescription)")
            #expect(Array(tokenizer.decode(example.ids).unicodeScalars) == Array(example.decoded.unicodeScalars))
        }
    }

    @Test(
        "every movie sentence gives the reference ids",
        .enabled(
            if: Fixtures.exist(Fixtures.model, Fixtures.movieSentences),
            "needs the model and sentences that scripts/fetch brings"))
    func movieSentences() throws {
        let tokenizer = try modelTokenizer()
        let lines = try Data(contentsOf: Fixtures.movieSentences).split(separator: UInt8(ascii: "\n"))
        let expected = try String(contentsOf: fixture("movie-sentences.tsv"), encoding: .utf8).split(separator: "\n")
        #expect(expected.count >= 10_605)
        var wrong: [Substring] = []
        for row in expected {
            let fields = row.split(separator: "\t")
            let number = try #require(Int(fields[0]))
            let line = String(decoding: lines[number - 1], as: UTF8.self)
            let sentence = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)[2]
            let text = String(sentence.unicodeScalars.filter { $0 != "\r" })
            let ids = tokenizer.encode(text)
            if ids.count != Int(fields[1]) || fnv1a(ids) != UInt64(fields[2], radix: 16) { wrong.append(fields[0]) }
        }
        #expect(wrong == [])
    }
}
