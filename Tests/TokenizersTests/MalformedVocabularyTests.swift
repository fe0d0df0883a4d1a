import Diagnostics
import Testing
import Tokenizers

@Suite("Malformed vocabularies")
struct MalformedVocabularyTests {
    let fixture: TinyFixture

    init() throws { fixture = try TinyFixture.load() }

    private func refusal(
        model: String = "gpt2", preTokenizer: String = "smollm", tokens: [String]? = nil, merges: [String]? = nil,
        special: [Int32] = [], added: [Int32] = [], beginID: Int32? = nil
    ) -> TokenizerError? {
        do throws(TokenizerError) {
            _ = try ByteLevelBPE(
                TokenizerMetadata(
                    model: model, preTokenizer: preTokenizer, tokens: tokens ?? fixture.tokens,
                    merges: merges ?? fixture.merges, specialIDs: special, addedIDs: added, beginID: beginID))
            return nil
        } catch {
            return error
        }
    }

    @Test("a token that occurs twice is refused with both ids")
    func duplicateToken() {
        let error = refusal(tokens: fixture.tokens + [fixture.tokens[5]])
        #expect(error == .duplicateToken(token: fixture.tokens[5], ids: [5, fixture.tokens.count]))
        #expect(error?.exitCode == .tokenizerMalformed)
    }

    @Test("a vocabulary that cannot spell ordinary text is refused with the bytes it lacks")
    func missingByte() {
        let without = fixture.tokens.map { $0 == "q" ? "unused" : $0 }
        #expect(refusal(tokens: without, merges: []) == .missingByteTokens([UInt8(ascii: "q")]))
        #expect(refusal(tokens: [], merges: []) != nil)
    }

    @Test("a merge that is not two tokens is refused", arguments: ["", " ", "a", "a ", " a", "a b c", "a  b"])
    func malformedMerge(_ merge: String) {
        #expect(refusal(merges: [merge]) == .malformedMerge(rank: 0, merge: merge))
    }

    @Test("a merge of unknown tokens, or into one, is refused with the token")
    func unknownToken() {
        let unknown = refusal(merges: ["a zzzz"])
        #expect(unknown == .unknownTokenInMerge(rank: 0, merge: "a zzzz", token: "azzzz"))
        let parts = refusal(tokens: fixture.tokens + ["xyzxyz"], merges: ["xyz xyz"])
        #expect(parts == .unknownTokenInMerge(rank: 0, merge: "xyz xyz", token: "xyz"))
    }

    @Test("a merge that occurs twice is refused")
    func duplicateMerge() {
        let merges = [fixture.merges[0], fixture.merges[0]]
        #expect(refusal(merges: merges) == .duplicateMerge(rank: 1, merge: merges[0]))
    }

    @Test("a special token outside the vocabulary is refused", arguments: [Int32(-1), .max])
    func specialOutside(_ id: Int32) {
        let expected = TokenizerError.specialTokenOutside(id: id, count: fixture.tokens.count)
        #expect(refusal(special: [id]) == expected)
        #expect(refusal(added: [id]) == expected)
        #expect(refusal(beginID: id) == expected)
    }

    @Test("an unknown word rule is refused with the known ones")
    func unknownRule() {
        #expect(refusal(preTokenizer: "falcon") == .unknownPreTokenizer("falcon"))
        #expect(TokenizerError.unknownPreTokenizer("x").remedy.contains("smollm"))
    }

    @Test("another kind of tokenizer than byte-level byte-pair encoding is refused by name")
    func unknownModel() {
        #expect(refusal(model: "llama") == .unknownModel("llama"))
    }
}
