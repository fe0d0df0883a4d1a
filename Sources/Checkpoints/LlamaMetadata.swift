import Tensors

/// The table of rotation factors, such as Llama 3 has, which is a constant and no weight.
let llamaRotaryTable = "rope_freqs.weight"

extension GGUFFile {
    /// The sizes and constants of a model of the architecture `llama`.
    ///
    /// - Throws: `GGUFError` when the architecture or a feature of it is not supported, or a value is missing,
    ///   impossible or of the wrong kind.
    func llamaHyperparameters() throws(GGUFError) -> Hyperparameters {
        let family = try required("general.architecture", text)
        guard family == "llama" else { throw .unsupportedArchitecture(file: path, name: family) }
        try refuseUnsupportedLlama()
        let width = try required("llama.embedding_length", integer)
        let heads = try required("llama.attention.head_count", integer)
        let headDimension = try llamaHeadDimension(width: width, heads: heads)
        let layers = try required("llama.block_count", integer)
        let feedForwardWidth = try required("llama.feed_forward_length", integer)
        let keyValueHeads = try integer("llama.attention.head_count_kv") ?? heads
        let contextLength = try required("llama.context_length", integer)
        let ropeBase = try number("llama.rope.freq_base") ?? 10_000
        let ropeFactors = try llamaRotaryFactors(headDimension: headDimension)
        let normEpsilon = try required("llama.attention.layer_norm_rms_epsilon", number)
        let vocabularySize = try llamaVocabularySize()
        do throws(HyperparameterError) {
            return try Hyperparameters(
                family: .llama, layers: layers, width: width, feedForwardWidth: feedForwardWidth, heads: heads,
                keyValueHeads: keyValueHeads, headDimension: headDimension, vocabularySize: vocabularySize,
                contextLength: contextLength, positions: .rotary(base: ropeBase, factors: ropeFactors),
                normalisation: .rootMeanSquare, normEpsilon: Float(normEpsilon), activation: .swiglu,
                hasBiases: false, tiedEmbeddings: tensors["output.weight"] == nil)
        } catch {
            throw .malformed(file: path, place: "the metadata", reason: error.problem)
        }
    }

    /// Features that change the mathematics and would be missed silently.
    private func refuseUnsupportedLlama() throws(GGUFError) {
        if let scaling = try text("llama.rope.scaling.type"), scaling != "none" {
            throw .unsupportedFeature(file: path, feature: "RoPE scaling of the kind \(scaling)")
        }
        if let experts = try integer("llama.expert_count"), experts != 0 {
            throw .unsupportedFeature(file: path, feature: "a mixture of \(experts) experts")
        }
    }

    /// What each pair's frequency is divided by, or nil where the file has no such table.
    private func llamaRotaryFactors(headDimension: Int) throws(GGUFError) -> [Float]? {
        guard let table = tensors[llamaRotaryTable] else { return nil }
        guard table.shape == [headDimension / 2] else {
            throw .wrongShape(
                file: path, tensor: llamaRotaryTable, found: table.shape, expected: [headDimension / 2])
        }
        let factors = Storage(count: table.columns).matrix(rows: 1, columns: table.columns)
        read(rows: 0..<1, of: table, into: factors)
        return factors.values
    }

    /// The given head dimension, or else the width shared among the heads.
    private func llamaHeadDimension(width: Int, heads: Int) throws(GGUFError) -> Int {
        let key = "llama.attention.key_length"
        let dimension: Int
        if let given = try integer(key) {
            dimension = given
        } else {
            guard heads > 0, width % heads == 0 else {
                throw .malformed(
                    file: path, place: "the metadata", reason: "a width of \(width) cannot be shared by \(heads) heads")
            }
            dimension = width / heads
        }
        for other in ["llama.attention.value_length", "llama.rope.dimension_count"] {
            if let value = try integer(other), value != dimension {
                throw .unsupportedFeature(file: path, feature: "\(other) \(value) with heads of \(dimension)")
            }
        }
        return dimension
    }

    /// The rows of the embedding, which the metadata may not contradict.
    private func llamaVocabularySize() throws(GGUFError) -> Int {
        let embedding = "token_embd.weight"
        guard let tensor = tensors[embedding] else { throw .missingTensor(file: path, tensor: embedding) }
        let key = "llama.vocab_size"
        if let size = try integer(key), size != tensor.rows {
            throw .wrongValue(file: path, key: key, expected: "\(tensor.rows), the rows of \(embedding)")
        }
        return tensor.rows
    }
}
