/// A text as the model reads it: the prompt's tokens, and the class that its last token should predict.
public struct EncodedExample: Sendable, Equatable {
    /// The prompt in tokens, at least one.
    public let tokens: [Int32]
    /// The class, an index into the task's label words.
    public let label: Int

    /// - Parameter tokens: at least one.
    public init(tokens: [Int32], label: Int) {
        self.tokens = tokens
        self.label = label
    }
}
