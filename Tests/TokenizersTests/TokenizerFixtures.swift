import Checkpoints
import Foundation
import Support
import Tokenizers

/// A small vocabulary trained by `scripts/reference/tokenizer_fixture.py`, with texts and their reference ids.
struct TinyFixture: Decodable {
    struct Case: Decodable {
        let text: String
        let gpt2: [Int32]
        let smollm: [Int32]
    }

    let tokens: [String]
    let merges: [String]
    let special: [Int32]
    let cases: [Case]

    static func load() throws -> TinyFixture { try decode("tiny.json") }

    func tokenizer(_ rule: PreTokenizer) throws -> ByteLevelBPE {
        try ByteLevelBPE(
            TokenizerMetadata(preTokenizer: rule.rawValue, tokens: tokens, merges: merges, specialIDs: special))
    }
}

/// A text with its reference ids under the vocabulary of the fetched model.
struct AwkwardCase: Decodable {
    let text: String
    let ids: [Int32]
    let special: [Int32]
    let decoded: String

    static func load() throws -> [AwkwardCase] { try decode("awkward.json") }
}

private func decode<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(contentsOf: fixture(name)))
}

/// A committed tokenizer fixture.
func fixture(_ name: String) -> URL { Fixtures.folder.appendingPathComponent("tokenizer/\(name)") }

/// The tokenizer in the fetched model.
func modelTokenizer() throws -> ByteLevelBPE {
    try ByteLevelBPE(GGUFFile(Fixtures.model).tokenizerMetadata())
}

/// GPT-2's vocabulary as `scripts/fetch gpt2` brings it.
let gpt2Folder = Fixtures.cache.appendingPathComponent("gpt2")

/// The committed tokenizer of Llama-3's form, under its own rule or another one.
func smallMetadata(_ rule: PreTokenizer? = nil) throws -> TokenizerMetadata {
    var metadata = try TokenizerMetadata(hubFolder: fixture("llama3"))
    if let rule { metadata.preTokenizer = rule.rawValue }
    return metadata
}

/// FNV-1a over the ids as little-endian 32-bit numbers, as the fixture's script computes it.
func fnv1a(_ ids: [Int32]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for id in ids {
        for byte in 0..<4 {
            hash = (hash ^ UInt64(UInt8(truncatingIfNeeded: id >> Int32(8 * byte)))) &* 0x0000_0100_0000_01B3
        }
    }
    return hash
}
