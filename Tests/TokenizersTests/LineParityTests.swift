import Checkpoints
import Foundation
import Support
import Testing

@testable import Tokenizers

@Suite("Ten thousand awkward lines against the reference library")
struct LineParityTests {
    /// The numbers of the lines whose ids are not those of the reference.
    private func wrongLines(_ name: String, _ encode: (String) -> [Int32]) throws -> [Int] {
        let lines = try JSONDecoder().decode([String].self, from: Data(contentsOf: fixture("lines.json")))
        let digests = try [UInt8](Data(contentsOf: fixture("lines.\(name).fnv")))
        #expect(lines.count >= 10_000)
        try #require(digests.count == 8 * lines.count)
        return lines.indices.filter { line in
            let expected = digests[8 * line..<8 * line + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return fnv1a(encode(lines[line])) != expected
        }
    }

    @Test("a small vocabulary gives the reference ids under every word rule", arguments: PreTokenizer.allCases)
    func small(_ rule: PreTokenizer) throws {
        let tokenizer = try ByteLevelBPE(smallMetadata(rule))
        #expect(try wrongLines("small-\(rule.rawValue)") { tokenizer.encode($0) } == [])
    }

    @Test("special tokens in text and the begin token in front are those of the reference")
    func special() throws {
        let tokenizer = try ByteLevelBPE(smallMetadata())
        let wrong = try wrongLines("llama3-special") {
            tokenizer.encode($0, recognisingSpecialTokens: true, addingBegin: true)
        }
        #expect(wrong == [])
    }

    @Test(
        "the fetched model's vocabulary gives the reference ids",
        .enabled(if: Fixtures.exist(Fixtures.model), "needs the model that scripts/fetch brings"))
    func model() throws {
        let tokenizer = try modelTokenizer()
        #expect(try wrongLines("smollm2") { tokenizer.encode($0) } == [])
    }

    @Test(
        "GPT-2's vocabulary gives the reference ids",
        .enabled(
            if: Fixtures.exist(gpt2Folder.appendingPathComponent("merges.txt")),
            "needs the vocabulary that scripts/fetch gpt2 brings"))
    func gpt2() throws {
        let metadata = try TokenizerMetadata(hubFolder: gpt2Folder)
        #expect(metadata.tokens.count == 50_257)
        #expect(metadata.beginID == 50_256 && metadata.endID == 50_256 && metadata.specialIDs == [50_256])
        let tokenizer = try ByteLevelBPE(metadata)
        #expect(try wrongLines("gpt2") { tokenizer.encode($0) } == [])
    }
}
