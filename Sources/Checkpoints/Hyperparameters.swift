import Diagnostics

/// The sizes and constants of a decoder-only language model, checked to be possible.
public struct Hyperparameters: Sendable, Equatable {
    /// The architecture's name, such as `"llama"`.
    public let family: String
    /// How many blocks there are.
    public let layers: Int
    /// Floats of one token between the blocks.
    public let width: Int
    /// Floats of one token inside the feed-forward layer.
    public let feedForwardWidth: Int
    /// Query heads.
    public let heads: Int
    /// Key and value heads; each serves `heads / keyValueHeads` query heads.
    public let keyValueHeads: Int
    /// Floats of one head, even.
    public let headDimension: Int
    /// Rows of the embedding.
    public let vocabularySize: Int
    /// The longest sequence the model was trained for, in tokens.
    public let contextLength: Int
    /// The base of the rotary embedding's wavelengths.
    public let ropeBase: Double
    /// The term that keeps the normalisation from dividing by zero.
    public let normEpsilon: Float
    /// Whether the output head is the embedding.
    public let tiedEmbeddings: Bool

    /// - Throws: `HyperparameterError` when a value is out of bounds or does not fit another one.
    public init(
        family: String, layers: Int, width: Int, feedForwardWidth: Int, heads: Int, keyValueHeads: Int,
        headDimension: Int, vocabularySize: Int, contextLength: Int, ropeBase: Double, normEpsilon: Float,
        tiedEmbeddings: Bool
    ) throws(HyperparameterError) {
        // Bounds far beyond any model of today, but small enough that no product of two overflows.
        try require("layers", layers, in: 1...4096)
        try require("width", width, in: 1...1 << 17)
        try require("feed-forward width", feedForwardWidth, in: 1...1 << 20)
        try require("heads", heads, in: 1...4096)
        try require("key-value heads", keyValueHeads, in: 1...heads)
        try require("head dimension", headDimension, in: 2...4096)
        try require("vocabulary size", vocabularySize, in: 1...1 << 24)
        try require("context length", contextLength, in: 1...1 << 26)
        try require("RoPE base", ropeBase, in: 1...1e12)
        try require("normalisation epsilon", Double(normEpsilon), in: 1e-30...0.1)
        guard heads % keyValueHeads == 0 else {
            throw .unfitting("\(heads) heads cannot be shared by \(keyValueHeads) key-value heads")
        }
        guard headDimension % 2 == 0 else {
            throw .unfitting("a head dimension of \(headDimension) has no pairs to rotate")
        }
        self.family = family
        self.layers = layers
        self.width = width
        self.feedForwardWidth = feedForwardWidth
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headDimension = headDimension
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.ropeBase = ropeBase
        self.normEpsilon = normEpsilon
        self.tiedEmbeddings = tiedEmbeddings
    }
}

/// A size or constant that no model of the family can have.
public enum HyperparameterError: NumberedError, Equatable {
    case outOfBounds(name: String, value: String, bounds: String)
    case unfitting(String)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode { .modelMalformed }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .outOfBounds(let name, let value, let bounds): "the \(name) is \(value), outside \(bounds)"
        case .unfitting(let reason): reason
        }
    }

    /// What to do next.
    public var remedy: String { "Fetch the model again, or take a file that another program can load" }
}

private func require<Value: Comparable>(
    _ name: String, _ value: Value, in bounds: ClosedRange<Value>
) throws(HyperparameterError) {
    // Written so that a value which is not a number fails too.
    guard bounds.contains(value) else {
        throw .outOfBounds(name: name, value: "\(value)", bounds: "\(bounds.lowerBound)...\(bounds.upperBound)")
    }
}
