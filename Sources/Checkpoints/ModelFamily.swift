/// What tells one family of decoder-only models from another: the names of its tensors, and how its linear layers share
/// the four matrix products that every block has.
///
/// Everything above the files works from this and from `Hyperparameters`; nothing above `Models` knows a family. A
/// family is one file in `Families`, and one entry in `all`.
public struct ModelFamily: Sendable {
    /// What `model_type` in `config.json` calls it, such as `"llama"`.
    public let name: String
    /// The hub names of the tensors outside the blocks, and the names of the norms inside.
    public let names: TensorNames
    /// The linear layers of a block, in the order of the joined products' outputs.
    public let linears: @Sendable (Hyperparameters) -> [LinearSite]
    /// Ends of the names of tensors that hub files have beside the weights, and that can be computed.
    let ignoredTensors: [String]
    /// Reads `config.json`; what the family's mathematics does not cover is refused by name.
    let hyperparameters: @Sendable (HubConfiguration) throws -> Hyperparameters
    /// The family's own part of `config.json`.
    let configuration: @Sendable (Hyperparameters) throws -> [String: ConfigurationValue]

    /// Every family that is built in.
    public static let all: [ModelFamily] = [.gpt2, .llama, .opt]
}

extension ModelFamily: Equatable {
    /// Families are told apart by their names.
    public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
}

/// The names that the hub's reference implementation gives to tensors, without `.weight` and `.bias`.
public struct TensorNames: Sendable, Equatable {
    /// The token embedding, [vocabulary, width].
    public let embedding: String
    /// The learned position embedding, nil for a family that rotates instead.
    public let positions: String?
    /// The norm after the last block.
    public let finalNorm: String
    /// The output head, [vocabulary, width], where it is not the embedding.
    public let head: String
    /// What stands before a block's number, with the dot: `"model.layers."`.
    public let blocks: String
    /// The norm before attention, inside a block.
    public let attentionNorm: String
    /// The norm before the feed-forward layer, inside a block.
    public let feedForwardNorm: String

    /// The name of something inside a block.
    public func inBlock(_ block: Int, _ module: String) -> String { "\(blocks)\(block).\(module)" }
}

/// One of the four matrix products of a block. Linear layers that read the same input are joined into one product.
public enum JoinedLayer: Int, CaseIterable, Sendable {
    /// From the normalised stream to queries, keys and values.
    case queryKeyValue
    /// From the heads back to the stream.
    case attentionOutput
    /// From the normalised stream to the feed-forward layer; gate, then up, where there is a gate.
    case expansion
    /// From the feed-forward layer back to the stream.
    case contraction
}

/// A linear layer of a block, as files and recipes name it, and its part of a joined product.
public struct LinearSite: Sendable, Equatable {
    /// How recipes name it, such as `"q"` or `"c_attn"`. Two layers of a block can share a name.
    public let target: String
    /// The path inside the block, as hub files and PEFT name it, such as `self_attn.q_proj`.
    public let module: String
    /// The product that it is part of.
    public let layer: JoinedLayer
    /// Its columns of the product's output.
    public let outputs: Range<Int>
    /// The width of its input.
    public let inputWidth: Int
    /// Whether files store the weight as [in, out], as GPT-2's do, instead of [out, in].
    public let isStoredTransposed: Bool

    /// - Parameter outputs: its columns of the product's output.
    init(
        _ target: String, _ module: String, _ layer: JoinedLayer, inputs: Int, outputs: Range<Int>,
        isStoredTransposed: Bool = false
    ) {
        self.target = target
        self.module = module
        self.layer = layer
        self.outputs = outputs
        inputWidth = inputs
        self.isStoredTransposed = isStoredTransposed
    }
}
