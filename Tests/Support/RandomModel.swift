import Checkpoints
import Models
import Randomness
import Tensors

/// A model of random weights: each tensor is a function of its name alone, so two sources of one shape are equal.
public struct RandomModelSource: ModelSource {
    /// Those of a small model.
    public let hyperparameters: Hyperparameters

    /// A small model of 2 heads; a Llama has 1 key-value head.
    public init(family: ModelFamily = .llama, layers: Int = 4, width: Int = 16, vocabulary: Int = 50) throws {
        let isLlama = family == .llama
        hyperparameters = try Hyperparameters(
            family: family, layers: layers, width: width, feedForwardWidth: 2 * width, heads: 2,
            keyValueHeads: isLlama ? 1 : 2, headDimension: width / 2, vocabularySize: vocabulary, contextLength: 64,
            positions: isLlama ? .rotary(base: 10_000, factors: nil) : .learned(offset: family == .opt ? 2 : 0),
            normalisation: isLlama ? .rootMeanSquare : .layer, normEpsilon: 1e-5,
            activation: isLlama ? .swiglu : family == .gpt2 ? .gelu : .relu, hasBiases: !isLlama,
            tiedEmbeddings: true)
    }

    /// Every name is a tensor of whatever shape is asked for.
    public func shape(of name: String) -> [Int]? { nil }

    /// Draws the tensor.
    public func read(_ name: String, into matrix: Matrix) {
        var generator = SeededGenerator(seed: 1, stream: name)
        let isNorm = (name.contains("norm") || name.contains("ln_")) && name.hasSuffix(".weight")
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

extension TrainableLayout {
    /// Adapters beside every linear layer of some blocks.
    public static func adapters(
        _ model: Hyperparameters, blocks: Range<Int>, rank: Int = 3, alpha: Double = 6, dropout: Float = 0,
        layers: Set<JoinedLayer> = Set(JoinedLayer.allCases)
    ) -> TrainableLayout {
        let modules = Set(model.family.linears(model).filter { layers.contains($0.layer) }.map(\.module))
        return TrainableLayout(
            model: model, blocks: blocks,
            form: .lowRank(LowRankForm(rank: rank, alpha: alpha, dropout: dropout, modules: modules)))
    }
}

extension TrainableParameters {
    /// Everything random, so that every gradient is different from zero.
    public convenience init(random layout: TrainableLayout, scale: Double = 0.1, seed: UInt64 = 1) {
        self.init(layout: layout)
        var generator = SeededGenerator(seed: seed, stream: "random-parameters")
        for i in 0..<flat.count { flat.base[i] = Float(scale * generator.normal()) }
    }
}
