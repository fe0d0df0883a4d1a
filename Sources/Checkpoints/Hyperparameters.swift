import Diagnostics

/// The sizes and constants of a decoder-only language model, checked to be possible.
public struct Hyperparameters: Sendable, Equatable {
    /// The family, which names the tensors.
    public let family: ModelFamily
    /// How many blocks there are.
    public private(set) var layers: Int
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
    /// How a token's place enters the model.
    public let positions: Positions
    /// How rows are normalised.
    public let normalisation: Normalisation
    /// The term that keeps the normalisation from dividing by zero.
    public let normEpsilon: Float
    /// What the feed-forward layer does between its two products.
    public let activation: Activation
    /// Whether every linear layer has a bias.
    public let hasBiases: Bool
    /// Whether the output head is the embedding.
    public let tiedEmbeddings: Bool

    /// A model of the same blocks, but of so many.
    func withLayers(_ layers: Int) -> Hyperparameters {
        precondition(layers > 0, "a model has blocks")
        var other = self
        other.layers = layers
        return other
    }

    /// Floats of all query heads of a token.
    public var queryWidth: Int { heads * headDimension }

    /// Floats of all key heads of a token.
    public var keyWidth: Int { keyValueHeads * headDimension }

    /// Floats that the first product of the feed-forward layer gives: gate and up, where there is a gate.
    public var expandedWidth: Int { activation == .swiglu ? 2 * feedForwardWidth : feedForwardWidth }

    /// - Throws: `HyperparameterError` when a value is out of bounds or does not fit another one.
    public init(
        family: ModelFamily, layers: Int, width: Int, feedForwardWidth: Int, heads: Int, keyValueHeads: Int,
        headDimension: Int, vocabularySize: Int, contextLength: Int, positions: Positions,
        normalisation: Normalisation, normEpsilon: Float, activation: Activation, hasBiases: Bool,
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
        if case .rotary(let base, let factors) = positions {
            try require("RoPE base", base, in: 1...1e12)
            for factor in factors ?? [] { try require("RoPE factor", Double(factor), in: 1e-3...1e6) }
            guard (factors?.count ?? headDimension / 2) == headDimension / 2 else {
                throw .unfitting("\(factors?.count ?? 0) RoPE factors do not fit heads of \(headDimension)")
            }
        }
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
        self.positions = positions
        self.normalisation = normalisation
        self.normEpsilon = normEpsilon
        self.activation = activation
        self.hasBiases = hasBiases
        self.tiedEmbeddings = tiedEmbeddings
    }
}

/// How a token's place in its sequence enters the model.
public enum Positions: Sendable, Equatable {
    /// Queries and keys are rotated (RoPE, Su et al., 2021): pair i of position p by p · base^(-2i / headDimension),
    /// divided by the pair's factor where factors stretch the wavelengths.
    case rotary(base: Double, factors: [Float]?)
    /// A learned vector is added to the embedding; that of position 0 is row `offset` of the table.
    case learned(offset: Int)
}

/// How rows are normalised before a layer.
public enum Normalisation: Sendable, Equatable {
    /// By the root mean square (Zhang and Sennrich, 2019).
    case rootMeanSquare
    /// By mean and variance, with a bias (Ba et al., 2016).
    case layer
}

/// What a feed-forward layer does between its two products.
public enum Activation: Sendable, Equatable {
    /// silu(gate) · up (Shazeer, 2020).
    case swiglu
    /// The tanh form of GELU, which GPT-2's configuration calls `gelu_new` (Hendrycks and Gimpel, 2016).
    case gelu
    /// max(0, x).
    case relu
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
