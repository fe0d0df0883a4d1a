import Checkpoints
import Models
import Randomness
import Tensors

/// A model of random weights: each tensor is a function of its name alone, so two sources of one shape are equal.
public struct RandomModelSource: ModelSource {
    /// A small Llama's.
    public let hyperparameters: Hyperparameters

    /// A small Llama, 2 heads on 1 key-value head.
    public init(layers: Int = 4, width: Int = 16, vocabulary: Int = 50) throws {
        hyperparameters = try Hyperparameters(
            family: .llama, layers: layers, width: width, feedForwardWidth: 2 * width, heads: 2, keyValueHeads: 1,
            headDimension: width / 2, vocabularySize: vocabulary, contextLength: 64,
            positions: .rotary(base: 10_000, factors: nil), normalisation: .rootMeanSquare, normEpsilon: 1e-5,
            activation: .swiglu, hasBiases: false, tiedEmbeddings: true)
    }

    /// Every name is a tensor of whatever shape is asked for.
    public func shape(of name: String) -> [Int]? { nil }

    /// Draws the tensor.
    public func read(_ name: String, into matrix: Matrix) {
        var generator = SeededGenerator(seed: 1, stream: name)
        let isNorm = name.contains("norm")
        let scale = 1 / Double(matrix.columns).squareRoot()
        for i in 0..<matrix.count {
            matrix.base[i] = Float(isNorm ? 1 + 0.1 * generator.normal() : scale * generator.normal())
        }
    }

    /// Draws rows, each a function of its name and index.
    public func readRows(_ rows: [Int], of name: String, into matrix: Matrix) {
        for (place, row) in rows.enumerated() {
            read("\(name)/\(row)", into: matrix.rows(place..<place + 1))
        }
    }

    /// There is no file.
    public func releasePages() {}
}

extension AdapterTensors {
    /// Adapters with both factors random, so that every gradient is different from zero.
    public convenience init(random layout: AdapterLayout, scale: Double = 0.1, seed: UInt64 = 1) {
        self.init(layout: layout)
        var generator = SeededGenerator(seed: seed, stream: "random-adapters")
        for i in 0..<flat.count { flat.base[i] = Float(scale * generator.normal()) }
    }
}
