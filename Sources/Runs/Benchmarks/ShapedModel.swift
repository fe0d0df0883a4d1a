import Checkpoints
import Randomness
import Recipes
import Tensors

/// A model of some shape with random weights: no time depends on what they are.
struct ShapedModel: ModelSource {
    let hyperparameters: Hyperparameters

    /// Twelve blocks of width 768 with twelve heads, and a vocabulary that nobody reads.
    ///
    /// - Throws: nothing: the sizes are possible.
    static func gpt2Small() throws -> ShapedModel {
        ShapedModel(
            hyperparameters: try Hyperparameters(
                family: .gpt2, layers: 12, width: 768, feedForwardWidth: 3072, heads: 12, keyValueHeads: 12,
                headDimension: 64, vocabularySize: 50_257, contextLength: 1024, positions: .learned(offset: 0),
                normalisation: .layer, normEpsilon: 1e-5, activation: .gelu, hasBiases: true, tiedEmbeddings: true))
    }

    func shape(of name: String) -> [Int]? { nil }

    func read(_ name: String, into matrix: Matrix) {
        var generator = SeededGenerator(seed: 1, stream: name)
        let isNorm = name.contains("ln_") && name.hasSuffix(".weight")
        for row in 0..<matrix.rows {
            let values = matrix.rows(row..<row + 1).base
            // A standard deviation of 0.02, as GPT-2 begins with.
            for column in 0..<matrix.columns {
                values[column] = isNorm ? 1 : Float(generator.uniform() - 0.5) * 0.0693
            }
        }
    }

    func readRows(_ rows: [Int], of name: String, into matrix: Matrix) { read(name, into: matrix) }

    func releasePages() {}
}

extension Recipe {
    /// A recipe for the shape of GPT-2 small with a classifier of two classes, with one device, at whose cut training begins.
    ///
    /// - Throws: `RecipeError` for an override.
    static func gpt2Small(frozenBlocks: Int, overrides: [String]) throws -> Recipe {
        let yaml = """
            name: gpt2-small
            model: {path: none, frozen_blocks: \(frozenBlocks)}
            data: {path: none, format: tsv}
            task: {head: classifier, labels: [first, second]}
            devices: {cuts: [\(frozenBlocks)]}
            """
        return try parse(yaml: yaml, file: "gpt2-small", overrides: overrides)
    }
}
