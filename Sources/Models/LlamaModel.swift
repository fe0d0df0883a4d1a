import Checkpoints
import Tensors

/// A Llama model with frozen weights: embedding, blocks, final norm. Shared by all threads, never written to.
///
/// The embedding stays in its file, quantised: only the rows that are asked for are ever read.
public final class LlamaModel: Sendable {
    /// The sizes and constants of the architecture.
    public let hyperparameters: Hyperparameters
    /// Every block, in order.
    public let blocks: [LlamaBlock]
    let finalNorm_D: Matrix
    let kernels: Kernels
    private let source: any ModelSource

    /// Loads and dequantises every block.
    ///
    /// - Parameters:
    ///   - maximumTokens: the longest sequence that will be run, at most the model's context length.
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    public init(source: any ModelSource, maximumTokens: Int, kernels: Kernels = .best) throws {
        let hyperparameters = source.hyperparameters
        self.source = source
        self.hyperparameters = hyperparameters
        self.kernels = kernels
        guard case .rotary(let base, _) = hyperparameters.positions else { preconditionFailure("no Llama") }
        let angles = RotaryTable(
            positions: min(maximumTokens, hyperparameters.contextLength),
            headDimension: hyperparameters.headDimension, base: base)
        blocks = try (0..<hyperparameters.layers).map { index in
            LlamaBlock(
                index: index, model: hyperparameters,
                weights: try LlamaBlockWeights(hyperparameters, block: index, source: source), angles: angles,
                kernels: kernels)
        }
        finalNorm_D = Storage(count: hyperparameters.width).matrix(rows: 1, columns: hyperparameters.width)
        try source.read("model.norm.weight", into: finalNorm_D)
        source.releasePages()
    }

    /// Every weight of the model, embedding and norms included.
    public var parameterCount: Int {
        let sizes = hyperparameters
        let linear = AdapterTarget.allCases.reduce(0) { sum, target in
            let (input, output) = target.widths(in: sizes)
            return sum + input * output
        }
        let embeddings = (sizes.tiedEmbeddings ? 1 : 2) * sizes.vocabularySize * sizes.width
        return embeddings + sizes.layers * (linear + 2 * sizes.width) + sizes.width
    }

    /// Writes the embeddings of packed tokens.
    ///
    /// - Throws: what the source throws for a token outside the vocabulary.
    public func embed(_ tokens: [Int32], into x_TD: Matrix) throws {
        try source.readRows(tokens.map(Int.init), of: "model.embed_tokens.weight", into: x_TD)
    }

    /// Runs blocks as they are, without adapters, and keeps nothing (F0).
    ///
    /// - Parameters:
    ///   - x_TD: the residual stream, replaced by the last block's output.
    ///   - scratch: reset by this call.
    public func forwardFrozen(_ range: Range<Int>, _ x_TD: Matrix, layout: SequenceLayout, scratch: Arena) {
        for block in blocks[range] {
            block.forward(x_TD, layout: layout, adapters: nil, arena: scratch)
            scratch.reset()
        }
    }

    /// Reads rows of the output head, which a tied model shares with the embedding.
    ///
    /// - Throws: what the source throws for a row outside the vocabulary.
    public func headRows(_ rows: [Int], into weights_KD: Matrix) throws {
        let name = hyperparameters.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"
        try source.readRows(rows, of: name, into: weights_KD)
    }

    /// Logits over the whole vocabulary for N rows of the last block's output: [N, vocabulary].
    ///
    /// The head is read a few thousand rows at a time, so that it never stands in memory as floats.
    ///
    /// - Throws: what the source throws for a damaged head.
    public func vocabularyLogits(_ x_ND: Matrix) throws -> Matrix {
        let vocabulary = hyperparameters.vocabularySize, width = hyperparameters.width
        let logits_NV = Storage(count: x_ND.rows * vocabulary).matrix(rows: x_ND.rows, columns: vocabulary)
        let normed_ND = Storage(count: x_ND.count).matrix(rows: x_ND.rows, columns: width)
        kernels.rmsNorm(x_ND, weight_D: finalNorm_D, epsilon: hyperparameters.normEpsilon, into: normed_ND)
        let rowsAtOnce = 4096
        let weights = Storage(count: rowsAtOnce * width)
        for first in stride(from: 0, to: vocabulary, by: rowsAtOnce) {
            let range = first..<min(first + rowsAtOnce, vocabulary)
            let weights_KD = weights.matrix(rows: range.count, columns: width)
            try headRows(Array(range), into: weights_KD)
            logits_NV.columns(range).product(of: normed_ND, and: weights_KD, .transposed)
        }
        return logits_NV
    }
}
