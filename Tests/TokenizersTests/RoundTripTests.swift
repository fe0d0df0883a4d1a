import Checkpoints
import Foundation
import Randomness
import Support
import Testing

@testable import Tokenizers

@Suite("There and back")
struct RoundTripTests {
    private static let seed: UInt64 = 20
    private static let names = ["<|eot_id|>", "<|begin_of_text|>", "<note>", "<|eot_id", "<|", "<|im_end|>"]

    private func check(_ metadata: TokenizerMetadata, texts: Int) throws {
        let tokenizer = try ByteLevelBPE(metadata)
        #expect(metadata.missingBytes.isEmpty)
        var chance = SeededGenerator(seed: Self.seed, stream: "round trip")
        for _ in 0..<texts {
            let text = randomText(length: 0...40, names: Self.names, &chance)
            let plain = tokenizer.encode(text)
            #expect(!plain.contains { tokenizer.isSpecial($0) }, "seed \(Self.seed): \(text.debugDescription)")
            for ids in [plain, tokenizer.encode(text, recognisingSpecialTokens: true)] {
                #expect(
                    Array(tokenizer.decode(ids).utf8) == Array(text.utf8),
                    "seed \(Self.seed): \(text.debugDescription)")
            }
        }
    }

    @Test("any text comes back from its tokens, and none smuggles in a special one", arguments: PreTokenizer.allCases)
    func small(_ rule: PreTokenizer) throws { try check(smallMetadata(rule), texts: 3000) }

    @Test(
        "any text comes back from GPT-2's tokens",
        .enabled(
            if: Fixtures.exist(gpt2Folder.appendingPathComponent("merges.txt")),
            "needs the vocabulary that scripts/fetch gpt2 brings"))
    func gpt2() throws { try check(TokenizerMetadata(hubFolder: gpt2Folder), texts: 3000) }

    @Test(
        "the fetched model brings back any text but for the characters with a byte it has no token for",
        .enabled(if: Fixtures.exist(Fixtures.model), "needs the model that scripts/fetch brings"))
    func model() throws {
        let metadata = try GGUFFile(Fixtures.model).tokenizerMetadata()
        let tokenizer = try ByteLevelBPE(metadata)
        let missing = Set(metadata.missingBytes)
        #expect(missing.allSatisfy { $0 < 0x20 || $0 > 0xF0 })
        var chance = SeededGenerator(seed: Self.seed, stream: "round trip")
        for _ in 0..<3000 {
            let text = randomText(length: 0...40, names: Self.names, &chance)
            let spelt = String(text.unicodeScalars.filter { missing.isDisjoint(with: $0.utf8) })
            #expect(Array(tokenizer.decode(tokenizer.encode(spelt)).utf8) == Array(spelt.utf8), "seed \(Self.seed)")
        }
    }

    @Test("a line of a megabyte without a space comes back")
    func megabyte() throws {
        let tokenizer = try ByteLevelBPE(smallMetadata())
        let line = String(repeating: "Pneumono\u{E9}", count: 100_000)
        #expect(tokenizer.decode(tokenizer.encode(line)) == line)
    }

    @Test("special tokens are skipped in decoding when asked, added ones never")
    func skipping() throws {
        let tokenizer = try ByteLevelBPE(smallMetadata())
        let ids = tokenizer.encode("a<note>b<|eot_id|>", recognisingSpecialTokens: true, addingBegin: true)
        #expect(tokenizer.decode(ids) == "<|begin_of_text|>a<note>b<|eot_id|>")
        #expect(tokenizer.decode(ids, skippingSpecialTokens: true) == "a<note>b")
        #expect(ids.first == tokenizer.beginID && ids.last == tokenizer.endID)
    }
}
