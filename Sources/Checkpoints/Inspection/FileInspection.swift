import Foundation

/// What a file or folder holds, for people and for JSON.
public struct FileInspection: Sendable, Equatable, Codable {
    /// What a path can hold.
    public enum Kind: String, Sendable, Codable {
        case ggufModel = "gguf-model"
        case ggufAdapter = "gguf-adapter"
        case hubModel = "hub-model"
        case peftAdapter = "peft-adapter"
        case trainedWeights = "trained-weights"
        case run
        case runCheckpoint = "run-checkpoint"
        case safetensors
        case tokenizer
    }

    /// The file or folder.
    public let path: String
    /// What it holds.
    public let kind: Kind
    /// The family of models, such as `llama`.
    public var family: String?
    /// Sizes and constants of the model, by name.
    public var sizes: [InspectedSize] = []
    /// The number of weights in all tensors.
    public var parameters = 0
    /// Bytes of the tensors, by how they are stored.
    public var bytesByType: [String: Int] = [:]
    /// The tensors by name.
    public var tensors: [InspectedTensor] = []
    /// The tokenizer that the file brings.
    public var tokenizer: InspectedTokenizer?
    /// The adapter that the file holds.
    public var adapter: InspectedAdapter?
    /// The weights that full fine-tuning changed.
    public var trainedWeights: InspectedWeights?
    /// A run's checkpoint; of a run's folder the newest whole one.
    public var checkpoint: InspectedCheckpoint?
    /// Checkpoints of a run that are newer than the newest whole one.
    public var skipped: [SkippedCheckpoint] = []
    /// Remarks, such as why the model cannot be used.
    public var notes: [String] = []

    init(_ url: URL, _ kind: Kind) {
        path = url.path
        self.kind = kind
    }

    /// Adds a tensor to the list and the sums.
    mutating func add(_ tensor: InspectedTensor) {
        tensors.append(tensor)
        // Shapes were checked against the file's size, so that no product overflows.
        parameters += tensor.shape.reduce(1, *)
        bytesByType[tensor.type, default: 0] += tensor.bytes
    }
}

/// A named size or constant of a model.
public struct InspectedSize: Sendable, Equatable, Codable {
    /// Such as `"layers"`.
    public let name: String
    /// As text.
    public let value: String
}

/// A tensor in a file.
public struct InspectedTensor: Sendable, Equatable, Codable {
    /// The file's own name for it.
    public let name: String
    /// Dimensions, outermost first.
    public let shape: [Int]
    /// How it is stored, such as `F32` or `Q4_1`.
    public let type: String
    /// What it takes in the file.
    public let bytes: Int
}

/// What a file says of a tokenizer.
public struct InspectedTokenizer: Sendable, Equatable, Codable {
    /// The kind, such as `gpt2` or `BPE`.
    public let model: String
    /// How text is cut into words before merging, where it has a name.
    public let preTokenizer: String?
    /// The number of tokens, or nil where only reading all of them would tell.
    public let tokens: Int?
    /// Whether a chat template comes with it.
    public let hasChatTemplate: Bool
}

/// What a file says of an adapter.
public struct InspectedAdapter: Sendable, Equatable, Codable {
    /// The width of the bottleneck.
    public let rank: Int
    /// The numerator of the scale.
    public let alpha: Double
    /// Whether the scale is alpha / √rank.
    public let isRankStabilised: Bool
    /// The changed modules.
    public let targets: [String]
    /// The changed blocks, from 0.
    public let blocks: [Int]
    /// The number of trained parameters.
    public let trainables: Int
    /// Modules that were trained as a whole.
    public let savedModules: [String]
    /// What it was trained on.
    public let baseModel: String?
}

/// What a file says of weights that full fine-tuning changed.
public struct InspectedWeights: Sendable, Equatable, Codable {
    /// The changed blocks, from 0.
    public let blocks: [Int]
    /// The number of trained parameters.
    public let trainables: Int
    /// Whether a classifier was trained along.
    public let hasClassifier: Bool
}

/// What a run's checkpoint says of itself.
public struct InspectedCheckpoint: Sendable, Equatable, Codable {
    /// The folder.
    public let path: String
    /// Steps done since the run began.
    public let step: Int
    /// The epoch that the next step belongs to, from 1.
    public let epoch: Int
    /// What is computed where, as recipes name it.
    public let method: String
    /// The number of trained parameters.
    public let trainables: Int
    /// The run's seed.
    public let seed: UInt64

    init(_ checkpoint: RunCheckpoint) {
        path = checkpoint.folder.path
        step = checkpoint.state.step
        // The number comes from a file, so that nothing may trap here.
        epoch = checkpoint.state.epoch &+ 1
        method = checkpoint.state.method
        trainables = checkpoint.state.trainableParameters
        seed = checkpoint.state.seed
    }
}

/// A run's checkpoint that cannot be used.
public struct SkippedCheckpoint: Sendable, Equatable, Codable {
    /// The folder.
    public let path: String
    /// Why not.
    public let reason: String
}
