/// A text as the model reads it, and what its last tokens should predict.
public struct EncodedExample: Sendable, Equatable {
    /// The input's tokens, at least one.
    public let tokens: [Int32]
    /// What the last `targets.count` tokens should predict, one each: a class, or the answer token by token.
    public let targets: [Int32]

    /// - Parameters:
    ///   - tokens: at least one.
    ///   - targets: from one to as many as there are tokens.
    public init(tokens: [Int32], targets: [Int32]) {
        self.tokens = tokens
        self.targets = targets
    }

    /// A text of a class.
    public init(tokens: [Int32], label: Int) { self.init(tokens: tokens, targets: [Int32(label)]) }

    /// The class of a text that has one.
    public var label: Int { Int(targets[0]) }
}
