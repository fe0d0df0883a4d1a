import Foundation
import Support
import Testing

@Suite(
    "The fetched model against transformers, from its quantised file",
    .enabled(if: Fixtures.exist(Fixtures.model), "needs the model that scripts/fetch brings"), .serialized)
struct RealModelTests {
    let model: RealModel
    let expected: ProseFixture

    init() throws {
        model = try RealModel.shared.get()
        expected = try ProseFixture.load()
    }

    @Test("prose and its shuffled words become the reference's tokens")
    func tokens() throws {
        #expect(model.tokenizer.encode(try ProseFixture.text("prose.txt")) == expected.prose.tokens)
        #expect(model.tokenizer.encode(try ProseFixture.text("shuffled.txt")) == expected.shuffled.tokens)
        #expect(model.tokenizer.encode(expected.greedy.prompt) == expected.greedy.promptTokens)
    }

    @Test("prose reads easily, its shuffled words do not, and both by as much as in the reference")
    func perplexity() throws {
        let found = try model.perplexities([expected.prose.tokens, expected.shuffled.tokens])
        #expect(found[0] < 40)
        #expect(abs(found[0] / expected.prose.perplexity - 1) <= Tolerance.prosePerplexity)
        #expect(found[1] > 500)
        #expect(abs(found[1] / expected.shuffled.perplexity - 1) <= Tolerance.shuffledPerplexity)
    }

    @Test("64 greedy tokens of plain text, a chat and a word problem, side by side, are the reference's")
    func generation() throws {
        let all = try GenerationFixture.load()
        let fixtures = [all.plain, all.chat, all.problem]
        let found = try model.greedyContinuations(of: fixtures.map(\.promptTokens), count: 64)
        #expect(found == fixtures.map(\.tokens))
    }

    @Test("the capital of France is Paris, token by token as in the reference")
    func greedy() throws {
        let prompt = model.tokenizer.encode(expected.greedy.prompt)
        let found = try model.greedyContinuations(of: [prompt], count: expected.greedy.tokens.count)[0]
        #expect(found == expected.greedy.tokens)
        let text = model.tokenizer.decode(found)
        #expect(text == expected.greedy.text)
        #expect(text.hasPrefix(" Paris"))
    }
}

/// `Tests/Fixtures/generation/smollm2.json`: prompts with the reference's 64 most likely tokens, one after another.
struct GenerationFixture: Decodable {
    let promptTokens: [Int32]
    let tokens: [Int32]

    enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_token_ids"
        case tokens = "token_ids"
    }

    /// The prompts by what they are.
    struct All: Decodable {
        let plain: GenerationFixture
        let chat: GenerationFixture
        let problem: GenerationFixture

        enum CodingKeys: String, CodingKey {
            case plain, chat
            case problem = "word_problem"
        }
    }

    static func load() throws -> All {
        try JSONDecoder().decode(
            All.self, from: Data(contentsOf: Fixtures.folder.appendingPathComponent("generation/smollm2.json")))
    }
}

/// `Tests/Fixtures/prose`: texts with the reference's tokens and perplexities, and a greedy continuation.
struct ProseFixture: Decodable {
    struct Scored: Decodable {
        let tokens: [Int32]
        let perplexity: Double

        enum CodingKeys: String, CodingKey {
            case perplexity
            case tokens = "token_ids"
        }
    }

    struct Continuation: Decodable {
        let prompt: String
        let promptTokens: [Int32]
        let tokens: [Int32]
        let text: String

        enum CodingKeys: String, CodingKey {
            case prompt, text
            case promptTokens = "prompt_token_ids"
            case tokens = "token_ids"
        }
    }

    let prose: Scored
    let shuffled: Scored
    let greedy: Continuation

    static func load() throws -> ProseFixture {
        try JSONDecoder().decode(ProseFixture.self, from: Data(contentsOf: file("expected.json")))
    }

    /// A text without its final newline, which was not scored.
    static func text(_ name: String) throws -> String {
        let text = try String(contentsOf: file(name), encoding: .utf8)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    private static func file(_ name: String) -> URL { Fixtures.folder.appendingPathComponent("prose/\(name)") }
}
