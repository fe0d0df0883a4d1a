import Checkpoints
import Models
import Tensors

/// A model that has a width and nothing else: no block of it is loaded.
struct QueueBenchModel: ModelSource {
    let hyperparameters: Hyperparameters

    /// - Throws: `HyperparameterError`.
    init(width: Int) throws {
        hyperparameters = try Hyperparameters(
            family: .llama, layers: QueueBenchShape.cut, width: width, feedForwardWidth: width, heads: 1,
            keyValueHeads: 1, headDimension: 2, vocabularySize: 2, contextLength: 4096,
            positions: .rotary(base: 10_000, factors: nil), normalisation: .rootMeanSquare, normEpsilon: 1e-5,
            activation: .swiglu, hasBiases: false, tiedEmbeddings: true)
    }

    func shape(of name: String) -> [Int]? { nil }

    /// The final norm alone is read, which stays zero.
    func read(_ name: String, into matrix: Matrix) {}

    func readRows(_ rows: [Int], of name: String, into matrix: Matrix) {}

    func releasePages() {}
}
