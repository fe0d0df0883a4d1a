import Foundation
import Randomness
import Support
import Testing
import Tokenizers

@testable import Checkpoints

@Suite("Damaged tokenizer files")
struct MutatedTokenizerTests {
    @Test("no mutant of a tokenizer.json does worse than a numbered error")
    func tokenizerJSON() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            let tests = MutatedTokenizerTests()
            try Fixtures.withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("tokenizer.json")
                try JSONSerialization.data(withJSONObject: tests.small(), options: [.sortedKeys]).write(to: file)
                var read = 0
                try Mutants(files: [file], stream: "tokenizer.json", count: 5000).openEach(tests.mutant) { folder in
                    let tokenizer = try ByteLevelBPE(TokenizerMetadata(hubFolder: folder))
                    let ids = tokenizer.encode("Nobody's 42 \u{1F600}s <note>\n", recognisingSpecialTokens: true)
                    #expect(ids.allSatisfy { (0..<Int32(tokenizer.vocabularySize)).contains($0) })
                    _ = tokenizer.decode(ids)
                    read += 1
                }
                #expect(read > 100)
            }
        }
        show(child)
    }

    /// The committed tokenizer cut down to the bytes and a few merges, so that thousands are read in seconds.
    private func small() throws -> [String: Any] {
        var folder = try TokenizerFolder()
        let vocabulary = try #require(folder.part("model", "vocab", as: [String: Int].self)).filter { $0.value < 300 }
        let merges = try #require(folder.part("model", "merges", as: [[String]].self))
        folder.set("model", "vocab", to: vocabulary)
        folder.set("model", "merges", to: merges.filter { vocabulary[$0.joined()] != nil })
        let names = ["<|begin_of_text|>", "<note>"]
        let added = names.enumerated().map { ["id": 300 + $0, "content": $1, "special": $0 == 0] as [String: Any] }
        folder.set("added_tokens", to: added)
        return try #require(folder.tokenizer)
    }

    /// One to three damages: to bytes, as files suffer them, or to values, as hostile hands do.
    private func mutant(_ original: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &chance) where bytes.count > 16 {
            if Bool.random(using: &chance) {
                damageBytes(&bytes, &chance)
            } else {
                damageValues(&bytes, &chance)
            }
        }
        return bytes
    }

    /// A cut, a flipped bit, or a stretch copied elsewhere.
    private func damageBytes(_ bytes: inout [UInt8], _ chance: inout SeededGenerator) {
        let place = Int.random(in: 0..<bytes.count, using: &chance)
        switch Int.random(in: 0..<6, using: &chance) {
        case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &chance))
        case 1...3: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
        default:
            let source = Int.random(in: 0..<bytes.count, using: &chance)
            let length = min(Int.random(in: 1...64, using: &chance), bytes.count - max(place, source))
            bytes.replaceSubrange(place..<place + length, with: bytes[source..<source + length])
        }
    }

    private static let bombs = [
        "null", "-1", "0", "299", "2147483648", "9223372036854775807", "1e99", "99999999999999999999", "0.5", "[]",
        "{}",
        "\"\"", "\"\\ud800\"", "\"a b\"", "true", "{\"type\":\"Sequence\"}", "[\"a\",\"b\",\"c\"]",
        String(repeating: "[", count: 600), String(repeating: "{\"a\":", count: 70),
    ]

    /// Two fields swapped, one doubled, or one replaced by something else.
    private func damageValues(_ bytes: inout [UInt8], _ chance: inout SeededGenerator) {
        let fields = self.fields(bytes)
        guard let one = fields.randomElement(using: &chance), let other = fields.randomElement(using: &chance) else {
            return
        }
        switch Int.random(in: 0..<4, using: &chance) {
        case 0 where one.upperBound <= other.lowerBound:
            let (first, second) = (Array(bytes[one]), Array(bytes[other]))
            bytes.replaceSubrange(other, with: first)
            bytes.replaceSubrange(one, with: second)
        case 1: bytes.replaceSubrange(one, with: Array(bytes[other]))
        default: bytes.replaceSubrange(one, with: Array((Self.bombs.randomElement(using: &chance) ?? "").utf8))
        }
    }

    /// Where texts, numbers and words stand.
    private func fields(_ bytes: [UInt8]) -> [Range<Int>] {
        let separators = Array("[]{},: ".utf8)
        var fields: [Range<Int>] = []
        var place = 0
        while place < bytes.count {
            var end = place + 1
            if bytes[place] == UInt8(ascii: "\"") {
                while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
                    end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
                }
                end = min(end + 1, bytes.count)
                fields.append(place..<end)
            } else if !separators.contains(bytes[place]) {
                while end < bytes.count, bytes[end] != UInt8(ascii: "\""), !separators.contains(bytes[end]) { end += 1 }
                fields.append(place..<end)
            }
            place = end
        }
        return fields
    }
}
