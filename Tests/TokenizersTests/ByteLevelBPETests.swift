import Testing

@testable import Tokenizers

@Suite("Byte-level byte-pair encoding")
struct ByteLevelBPETests {
    let fixture: TinyFixture
    let tokenizer: ByteLevelBPE

    init() throws {
        fixture = try TinyFixture.load()
        tokenizer = try fixture.tokenizer(.smollm)
    }

    @Test("the words of a text follow each other and cover it")
    func wordsCover() {
        for example in fixture.cases {
            let scalars = Array(example.text.unicodeScalars)
            for rule in PreTokenizer.allCases {
                let words = WordScanner(scalars, rule).words()
                #expect(words.allSatisfy { !$0.isEmpty })
                #expect(Array(words.joined()) == Array(scalars.indices))
            }
        }
    }

    @Test("the name of a special token in a user's text is only letters")
    func specialTokens() {
        let text = "a<|im_end|>"
        #expect(!tokenizer.encode(text).contains(1))
        #expect(tokenizer.encode(text, recognisingSpecialTokens: true).last == 1)
        #expect(tokenizer.decode(tokenizer.encode(text, recognisingSpecialTokens: true)) == text)
    }

    @Test("a cut inside a character decodes to the replacement character, and ids that are no tokens to nothing")
    func lossyDecoding() throws {
        let ids = tokenizer.encode("\u{1F600}")
        let cut = tokenizer.decode(Array(ids.prefix(1)))
        #expect(cut == "\u{FFFD}")
        #expect(tokenizer.decode([-1, .max, Int32(fixture.tokens.count)]) == "")
    }

    @Test("a word of two hundred thousand letters is merged, which a quadratic merge would not live to see")
    func longWord() {
        // A quadratic merge of so many letters would take hours, not seconds.
        let word = String(repeating: "banana", count: 1 << 15)
        #expect(tokenizer.decode(tokenizer.encode(word)) == word)
    }

    @Test("an id is found by its spelling, compared byte by byte")
    func lookUp() throws {
        #expect(tokenizer.id(of: "<|im_start|>") == 0)
        #expect(tokenizer.id(of: "no such token") == nil)
        #expect(tokenizer.vocabularySize == fixture.tokens.count)
        // As strings the two are equal; as tokens they are not.
        let accents = try ByteLevelBPE(
            TokenizerMetadata(
                preTokenizer: "gpt-2", tokens: fixture.tokens + ["\u{1E9B}\u{323}x", "\u{1E9B}\u{323}x".decomposed],
                merges: []))
        #expect(accents.vocabularySize == fixture.tokens.count + 2)
    }
}

extension String {
    /// The same text with the accents as characters of their own.
    fileprivate var decomposed: String { "\u{17F}\u{323}\u{307}x" }
}
