import Tokenizers

/// How a labelled text becomes a question to the model: a prompt around the text, and one word per class as the answer.
public struct PromptTask: Sendable {
    /// The token of each class's label word.
    public let labelTokens: [Int]
    private let before: String
    private let after: String
    private let maximumTokens: Int
    private let truncates: Bool
    private let tokenizer: ByteLevelBPE

    /// - Parameters:
    ///   - template: a prompt with `{text}` in it once.
    ///   - labelWords: one word per class, with its leading space, each a single token.
    ///   - maximumTokens: the longest prompt.
    ///   - truncates: whether a longer text loses its end; otherwise it is refused.
    /// - Throws: `DataError.promptWithoutText` or `.labelWordNotOneToken`.
    public init(
        template: String, labelWords: [String], maximumTokens: Int, truncates: Bool, tokenizer: ByteLevelBPE
    ) throws(DataError) {
        guard let place = template.firstRange(of: "{text}") else { throw .promptWithoutText(template) }
        before = String(template[..<place.lowerBound])
        after = String(template[place.upperBound...])
        var labelTokens: [Int] = []
        for word in labelWords {
            let tokens = tokenizer.encode(word)
            guard tokens.count == 1 else { throw .labelWordNotOneToken(word: word, tokens: tokens.count) }
            labelTokens.append(Int(tokens[0]))
        }
        self.labelTokens = labelTokens
        self.maximumTokens = maximumTokens
        self.truncates = truncates
        self.tokenizer = tokenizer
    }

    /// The prompt of one example.
    ///
    /// - Parameter file: named in errors.
    /// - Throws: `DataError.tooLong` for a prompt over the limit that may not be truncated.
    public func encode(_ example: Example, file: String) throws(DataError) -> EncodedExample {
        let tokens = tokenizer.encode(before + example.text + after)
        guard tokens.count > maximumTokens else { return EncodedExample(tokens: tokens, label: example.label) }
        guard truncates else {
            throw .tooLong(file: file, line: example.line, tokens: tokens.count, limit: maximumTokens)
        }
        let suffix = tokenizer.encode(after)
        let kept = tokenizer.encode(before + example.text).prefix(max(0, maximumTokens - suffix.count))
        return EncodedExample(tokens: Array((kept + suffix).suffix(maximumTokens)), label: example.label)
    }
}
