import Checkpoints
import Foundation
import Tensors
import Testing

/// A model folder as the hub has it: `config.json` and `model.safetensors`.
struct HubFixtureSource: ModelSource {
    let hyperparameters: Hyperparameters
    private let file: SafetensorsFile

    init(folder: URL) throws {
        let json = try Data(contentsOf: folder.appendingPathComponent("config.json"))
        hyperparameters = try JSONDecoder().decode(HubConfiguration.self, from: json).hyperparameters()
        file = try SafetensorsFile(folder.appendingPathComponent("model.safetensors"))
    }

    func shape(of name: String) -> [Int]? { file.shapes[name] }

    func read(_ name: String, into matrix: Matrix) throws { try file.read(name, into: matrix) }

    func readRows(_ rows: [Int], of name: String, into matrix: Matrix) throws {
        let shape = try #require(file.shapes[name])
        try #require(shape.count == 2 && rows.allSatisfy { (0..<shape[0]).contains($0) })
        let storage = Storage(count: shape[0] * shape[1])
        let whole = storage.matrix(rows: shape[0], columns: shape[1])
        try file.read(name, into: whole)
        for (place, row) in rows.enumerated() {
            matrix.rows(place..<place + 1).copy(from: whole.rows(row..<row + 1))
        }
    }

    func releasePages() { file.releasePages() }
}

/// The keys of `config.json` that a Llama model's mathematics depends on.
private struct HubConfiguration: Decodable {
    struct Rotary: Decodable {
        let base: Double

        enum CodingKeys: String, CodingKey {
            case base = "rope_theta"
        }
    }

    let family: String
    let layers: Int
    let width: Int
    let feedForwardWidth: Int
    let heads: Int
    let keyValueHeads: Int
    let headDimension: Int
    let vocabularySize: Int
    let contextLength: Int
    let rotary: Rotary
    let normEpsilon: Float
    let tiedEmbeddings: Bool

    enum CodingKeys: String, CodingKey {
        case family = "model_type"
        case layers = "num_hidden_layers"
        case width = "hidden_size"
        case feedForwardWidth = "intermediate_size"
        case heads = "num_attention_heads"
        case keyValueHeads = "num_key_value_heads"
        case headDimension = "head_dim"
        case vocabularySize = "vocab_size"
        case contextLength = "max_position_embeddings"
        case rotary = "rope_parameters"
        case normEpsilon = "rms_norm_eps"
        case tiedEmbeddings = "tie_word_embeddings"
    }

    func hyperparameters() throws -> Hyperparameters {
        try Hyperparameters(
            family: .llama, layers: layers, width: width, feedForwardWidth: feedForwardWidth, heads: heads,
            keyValueHeads: keyValueHeads, headDimension: headDimension, vocabularySize: vocabularySize,
            contextLength: contextLength, positions: .rotary(base: rotary.base, factors: nil),
            normalisation: .rootMeanSquare, normEpsilon: normEpsilon, activation: .swiglu, hasBiases: false,
            tiedEmbeddings: tiedEmbeddings)
    }
}
