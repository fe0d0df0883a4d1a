import Tokenizers

/// How examples become tokens and targets: what the model reads, and what its last tokens should predict.
public struct PromptTask: Sendable {
    /// What predicts the answer.
    public enum Head: Sendable, Equatable {
        /// One word per class, with its leading space, each a single token.
        case verbalizer(words: [String])
        /// A trained layer with one output per class.
        case classifier
        /// The answer's own tokens, one after the other.
        case languageModel
    }

    /// The token of each class's label word; empty for heads without label words.
    public let labelTokens: [Int]
    private let head: Head
    private let chat: ChatML?
    private let maximumTokens: Int
    private let truncates: Bool
    private let tokenizer: ByteLevelBPE

    /// - Parameters:
    ///   - chat: makes prompt and answer the turns of a user and an assistant; nil leaves them plain.
    ///   - maximumTokens: the longest input.
    ///   - truncates: whether a longer prompt is cut; otherwise it is refused.
    /// - Throws: `DataError.labelWordNotOneToken`.
    public init(
        head: Head, chat: ChatML? = nil, maximumTokens: Int, truncates: Bool, tokenizer: ByteLevelBPE
    ) throws(DataError) {
        var labelTokens: [Int] = []
        if case .verbalizer(let words) = head {
            for word in words {
                let tokens = tokenizer.encode(word)
                guard tokens.count == 1 else { throw .labelWordNotOneToken(word: word, tokens: tokens.count) }
                labelTokens.append(Int(tokens[0]))
            }
        }
        self.head = head
        self.chat = chat
        self.labelTokens = labelTokens
        self.maximumTokens = maximumTokens
        self.truncates = truncates
        self.tokenizer = tokenizer
    }

    /// The token that ends an answer in words, if there is one: that of a turn in a chat, or else that of a text.
    public var endToken: Int32? { chat?.turnEnd ?? tokenizer.endID }

    /// The tokens and targets of one example.
    ///
    /// For a class the input is the prompt, whose text loses its end when it is too long and may be truncated; what the
    /// template has behind its last field stays. For an answer in words the input is the prompt and the answer without
    /// its last token; the targets are the answer's tokens and the end token. Prompt and answer are tokenised on their
    /// own, so that no token reaches across and the targets begin exactly with the answer. A prompt that is too long
    /// loses its beginning, an answer nothing.
    ///
    /// - Throws: `DataError.tooLong` for an example over the limit that may not be truncated, or whose answer alone is
    ///   over it; `.malformedLine` for a prompt without a token.
    public func encode(_ example: Example) throws(DataError) -> EncodedExample {
        if case .languageModel = head { return try encodeWords(example) }
        let tokens = tokenizer.encode(example.prompt.text, addingBegin: true)
        let label = example.label ?? 0
        guard tokens.count > maximumTokens else {
            return EncodedExample(tokens: try checked(tokens, of: example), label: label)
        }
        guard truncates else { throw tooLong(example, tokens: tokens.count) }
        let ending = tokenizer.encode(example.prompt.ending)
        let kept = tokenizer.encode(example.prompt.body, addingBegin: true).prefix(max(0, maximumTokens - ending.count))
        return EncodedExample(tokens: Array((kept + ending).suffix(maximumTokens)), label: label)
    }

    private func encodeWords(_ example: Example) throws(DataError) -> EncodedExample {
        let targets = tokenizer.encode(example.answer ?? "") + (endToken.map { [$0] } ?? [])
        var prompt = tokens(ofPrompt: example.prompt.text)
        _ = try checked(prompt, of: example)
        _ = try checked(targets, of: example)
        let count = prompt.count + targets.count - 1
        if count > maximumTokens {
            let room = maximumTokens - (targets.count - 1)
            guard truncates, let shortened = shortenedPrompt(example.prompt.text, room: room) else {
                throw tooLong(example, tokens: count)
            }
            prompt = shortened
        }
        return EncodedExample(tokens: prompt + targets.dropLast(), targets: targets)
    }

    private func tokens(ofPrompt text: String) -> [Int32] {
        chat?.prompt([ChatMessage(role: "user", content: text)]) ?? tokenizer.encode(text, addingBegin: true)
    }

    /// The prompt with so much of its text's end as leaves it in the room; nil when not one token of the text does.
    private func shortenedPrompt(_ text: String, room: Int) -> [Int32]? {
        let words = tokenizer.encode(text)
        var kept = min(words.count, room - tokens(ofPrompt: "").count)
        while kept > 0 {
            let prompt = tokens(ofPrompt: tokenizer.decode(Array(words.suffix(kept))))
            if prompt.count <= room { return prompt }
            // A text's first word can take more tokens than it did behind others.
            kept -= prompt.count - room
        }
        return nil
    }

    private func checked(_ tokens: [Int32], of example: Example) throws(DataError) -> [Int32] {
        guard !tokens.isEmpty else {
            throw .malformedLine(
                file: example.file, line: example.line, expected: "text that the tokenizer knows", found: "no token")
        }
        return tokens
    }

    private func tooLong(_ example: Example, tokens: Int) -> DataError {
        .tooLong(file: example.file, line: example.line, tokens: tokens, limit: maximumTokens)
    }
}
