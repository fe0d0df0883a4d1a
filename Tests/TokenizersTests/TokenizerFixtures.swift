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
        try ByteLevelBPE(tokens: tokens, merges: merges, preTokenizer: rule, specialTokens: special)
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
    let metadata = try GGUFFile(Fixtures.model).tokenizerMetadata()
    return try ByteLevelBPE(
        tokens: metadata.tokens, merges: metadata.merges, preTokenizer: PreTokenizer(named: metadata.preTokenizer),
        specialTokens: metadata.specialIDs)
}
