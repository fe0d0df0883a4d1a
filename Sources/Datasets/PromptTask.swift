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
    private let chat: ChatFrame?
    private let maximumTokens: Int
    private let truncates: Bool
    private let endToken: Int32?
    private let tokenizer: ByteLevelBPE

    /// - Parameters:
    ///   - isChat: whether prompt and answer become turns of a user and an assistant, in ChatML.
    ///   - maximumTokens: the longest input.
    ///   - truncates: whether a longer prompt is cut; otherwise it is refused.
    ///   - endToken: the token that ends an answer in words, if the tokenizer has one. A chat ends its turn instead.
    /// - Throws: `DataError.labelWordNotOneToken` or `.noChatTokens`.
    public init(
        head: Head, isChat: Bool = false, maximumTokens: Int, truncates: Bool, endToken: Int32?,
        tokenizer: ByteLevelBPE
    ) throws(DataError) {
        var labelTokens: [Int] = []
        if case .verbalizer(let words) = head {
            for word in words {
                let tokens = tokenizer.encode(word)
                guard tokens.count == 1 else { throw .labelWordNotOneToken(word: word, tokens: tokens.count) }
                labelTokens.append(Int(tokens[0]))
            }
        }
        let chat = isChat ? try ChatFrame(tokenizer) : nil
        self.head = head
        self.chat = chat
        self.labelTokens = labelTokens
        self.maximumTokens = maximumTokens
        self.truncates = truncates
        self.endToken = chat?.turnEnd ?? endToken
        self.tokenizer = tokenizer
    }

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
        let tokens = tokenizer.encode(example.prompt.text)
        let label = example.label ?? 0
        guard tokens.count > maximumTokens else {
            return EncodedExample(tokens: try checked(tokens, of: example), label: label)
        }
        guard truncates else { throw tooLong(example, tokens: tokens.count) }
        let ending = tokenizer.encode(example.prompt.ending)
        let kept = tokenizer.encode(example.prompt.body).prefix(max(0, maximumTokens - ending.count))
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
        guard let chat else { return tokenizer.encode(text) }
        return chat.opening + tokenizer.encode(ChatFrame.user + text) + chat.closing
    }

    /// The end of a prompt in so much room; nil without room for at least one token of its text.
    private func shortenedPrompt(_ text: String, room: Int) -> [Int32]? {
        let before = chat.map { $0.opening + tokenizer.encode(ChatFrame.user) } ?? []
        let behind = chat?.closing ?? []
        let kept = room - before.count - behind.count
        return kept > 0 ? before + tokenizer.encode(text).suffix(kept) + behind : nil
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

/// The tokens around a user's turn in ChatML: `<|im_start|>user`, the text, `<|im_end|>`, `<|im_start|>assistant`.
private struct ChatFrame {
    /// What begins the text of a user's turn.
    static let user = "user\n"

    let opening: [Int32]
    let closing: [Int32]
    let turnEnd: Int32

    init(_ tokenizer: ByteLevelBPE) throws(DataError) {
        guard let start = tokenizer.id(of: "<|im_start|>"), let end = tokenizer.id(of: "<|im_end|>") else {
            throw .noChatTokens
        }
        opening = [start]
        closing = [end] + tokenizer.encode("\n") + [start] + tokenizer.encode("assistant\n")
        turnEnd = end
    }
}
