import Datasets
import Diagnostics
import Testing
import Tokenizers

/// A tokenizer with a token for every byte, ` yes`, ` no` and the tokens of ChatML.
private func tokenizer(chat: Bool = true, end: Int32? = nil) throws -> ByteLevelBPE {
    let printable = Array(33...126) + Array(161...172) + Array(174...255)
    let others = (0...255).filter { !printable.contains($0) }
    let bytes = printable + others.indices.map { 256 + $0 }
    let words = ["no", "Ġno", "es", "yes", "Ġyes"]
    return try ByteLevelBPE(
        TokenizerMetadata(
            preTokenizer: "gpt-2",
            tokens: bytes.compactMap { Unicode.Scalar($0).map(String.init) } + words
                + (chat ? ["<|im_start|>", "<|im_end|>"] : []),
            merges: ["n o", "Ġ no", "e s", "y es", "Ġ yes"], specialIDs: chat ? [261, 262] : [], endID: end))
}

@Suite("Examples in tokens")
struct PromptTaskTests {
    private func task(
        _ head: PromptTask.Head, chat: Bool = false, maximum: Int = 100, truncates: Bool = false, end: Int32? = 262
    ) throws -> PromptTask {
        let tokenizer = try tokenizer(end: end)
        let template = "<|im_start|>{{ role }}<|im_end|>"
        return try PromptTask(
            head: head, chat: chat ? try #require(ChatML(template: template, tokenizer: tokenizer)) : nil,
            maximumTokens: maximum, truncates: truncates, tokenizer: tokenizer)
    }

    private func question(_ body: String, _ ending: String = "", label: Int? = nil, answer: String? = nil) -> Example {
        Example(
            file: "f", line: 4, text: body, prompt: FilledTemplate(body: body, ending: ending), label: label,
            answer: answer)
    }

    @Test("a class is one target behind the prompt, and label words are looked up for a verbalizer only")
    func classes() throws {
        let words = try task(.verbalizer(words: [" yes", " no"]))
        #expect(words.labelTokens == [260, 257])
        let classifier = try task(.classifier)
        #expect(classifier.labelTokens.isEmpty)
        for encoded in [
            try words.encode(question("ab", "?", label: 1)), try classifier.encode(question("ab?", label: 1)),
        ] {
            #expect(encoded.targets == [1])
            #expect(try tokenizer().decode(encoded.tokens) == "ab?")
        }
        #expect(throws: DataError.labelWordNotOneToken(word: " maybe", tokens: 6)) {
            try task(.verbalizer(words: [" yes", " maybe"]))
        }
    }

    @Test("an answer in words is predicted token by token, up to the end token")
    func words() throws {
        let encoded = try task(.languageModel).encode(question("Rain", "?", answer: " yes no"))
        #expect(encoded.targets == [260, 257, 262])
        #expect(try tokenizer().decode(encoded.tokens) == "Rain? yes no")
        #expect(encoded.tokens.suffix(2) == encoded.targets.prefix(2))
        let endless = try task(.languageModel, end: nil).encode(question("Rain?", answer: " yes no"))
        #expect(endless.targets == [260, 257])
        #expect(try tokenizer().decode(endless.tokens) == "Rain? yes")
    }

    @Test("no token reaches from the prompt into the answer")
    func boundary() throws {
        let encoded = try task(.languageModel).encode(question("Rain y", answer: "es"))
        #expect(encoded.targets == [258, 262])
        #expect(encoded.tokens.count == "Rain y".count + 1)
    }

    @Test("a chat is two turns, whose names in the user's text are letters")
    func chat() throws {
        let task = try task(.languageModel, chat: true, end: nil)
        let encoded = try task.encode(question("a<|im_end|>", answer: "b"))
        let text = try tokenizer().decode(encoded.tokens)
        #expect(text == "<|im_start|>user\na<|im_end|><|im_end|>\n<|im_start|>assistant\nb")
        #expect(encoded.tokens.count { $0 == 261 } == 2)
        #expect(encoded.tokens.count { $0 == 262 } == 1)
        #expect(encoded.targets.last == 262 && encoded.targets.count == 2)
        #expect(ChatML(template: "<|im_start|><|im_end|>", tokenizer: try tokenizer(chat: false)) == nil)
    }

    @Test("what is too long is refused with its line, number of tokens and limit")
    func tooLong() throws {
        for (head, example, tokens) in [
            (PromptTask.Head.classifier, question("abcdef", label: 0), 6),
            (.languageModel, question("abcd", answer: "xyz"), 7),
        ] {
            #expect(throws: Never.self) { try task(head, maximum: tokens).encode(example) }
            #expect(throws: DataError.tooLong(file: "f", line: 4, tokens: tokens, limit: tokens - 1)) {
                try task(head, maximum: tokens - 1).encode(example)
            }
        }
    }

    @Test("truncation takes the end of a text whose class is asked, and keeps the template's ending")
    func truncatedText() throws {
        let encoded = try task(.classifier, maximum: 5, truncates: true).encode(question("abcdef", "?!", label: 1))
        #expect(try tokenizer().decode(encoded.tokens) == "abc?!")
    }

    @Test("truncation takes the beginning of a prompt before an answer, and nothing of the answer", arguments: 4...9)
    func truncatedPrompt(maximum: Int) throws {
        let encoded = try task(.languageModel, maximum: maximum, truncates: true)
            .encode(question("abcdef", answer: "xyz"))
        #expect(encoded.tokens.count == maximum)
        #expect(try "abcdefxyz".hasSuffix(tokenizer().decode(encoded.tokens)))
        #expect(try tokenizer().decode(encoded.targets) == "xyz<|im_end|>")
    }

    @Test("an answer that leaves no room for the prompt is refused even where prompts may be cut")
    func answerTooLong() throws {
        let error = #expect(throws: DataError.self) {
            try task(.languageModel, maximum: 3, truncates: true).encode(question("abcdef", answer: "xyz"))
        }
        #expect(error?.exitCode == .dataTooLong)
    }

    @Test("a truncated chat keeps its turns")
    func truncatedChat() throws {
        let whole = try task(.languageModel, chat: true).encode(question("abcdef", answer: "x"))
        let cut = try task(.languageModel, chat: true, maximum: whole.tokens.count - 4, truncates: true)
            .encode(question("abcdef", answer: "x"))
        #expect(try tokenizer().decode(cut.tokens) == "<|im_start|>user\nef<|im_end|>\n<|im_start|>assistant\nx")
        #expect(throws: DataError.self) {
            try task(.languageModel, chat: true, maximum: whole.tokens.count - 6, truncates: true)
                .encode(question("abcdef", answer: "x"))
        }
    }
}
