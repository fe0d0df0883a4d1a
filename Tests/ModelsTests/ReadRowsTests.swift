import Checkpoints
import Randomness
import Support
import Tensors
import Testing

@testable import Models

/// A last block of which few tokens are read, against the same block computed for all.
@Suite("Tokens that are read of a block")
struct ReadRowsTests {
    private static let lengths = [7, 1, 12, 4]
    /// The last two, none, five and one of each sequence.
    private static let layout = SequenceLayout(lengths: lengths)
    private static let width = 64

    private struct Passes {
        let output: Matrix
        let inputGradient: Matrix
        let sums: TrainableParameters
    }

    private static func matrix(_ rows: Int, _ generator: inout SeededGenerator) -> Matrix {
        let matrix = Storage(count: rows * width).matrix(rows: rows, columns: width)
        for i in 0..<matrix.count { matrix.base[i] = Float.random(in: -1...1, using: &generator) }
        return matrix
    }

    /// F, B and W with a gradient at some tokens' output only.
    private static func passes(
        _ model: LanguageModel, _ parameters: TrainableParameters, _ rows: [Int], reading: Bool, dropout: Dropout?
    ) throws -> Passes {
        var generator = SeededGenerator(seed: 11, stream: "read rows")
        let x_TD = matrix(layout.tokens, &generator), gradient_ND = matrix(rows.count, &generator)
        let block = model.block(1, parameters: parameters), arena = Arena()
        let kept = block.forward(
            x_TD, layout: layout, reading: reading ? rows : nil, dropout: dropout, arena: arena, scratch: Arena())
        if !reading { x_TD.gather(rows) }
        let output = x_TD.rows(0..<rows.count).copied().matrix(rows: rows.count, columns: width)

        x_TD.rows(0..<rows.count).copy(from: gradient_ND)
        if !reading { x_TD.scatter(rows) }
        let gradients = block.backwardInput(
            x_TD, activations: kept, layout: layout, dropout: dropout, needsInputGradient: true, arena: arena,
            scratch: Arena())
        let sums = TrainableParameters(layout: parameters.layout)
        block.backwardWeights(
            activations: kept, gradients: gradients, dropout: dropout, addTo: try #require(sums.block(1)),
            scratch: Arena())
        return Passes(output: output, inputGradient: x_TD, sums: sums)
    }

    @Test(
        "output, the input's gradient and what trains are the same whether others are computed or not",
        arguments: [ModelFamily.llama, .gpt2, .opt], [[], [.queryKeyValue, .expansion], JoinedLayer.allCases])
    func passes(family: ModelFamily, adapted: [JoinedLayer]) throws {
        let source = try RandomModelSource(family: family, layers: 2, width: Self.width)
        let model = try LanguageModel(source: source, maximumTokens: 32)
        let isFull = adapted.isEmpty
        let layout =
            isFull
            ? TrainableLayout(model: source.hyperparameters, blocks: 1..<2, form: .full)
            : .adapters(source.hyperparameters, blocks: 1..<2, dropout: 0.2, layers: Set(adapted))
        let dropout =
            isFull ? nil : Dropout(rate: 0.2, seed: 3, step: 1, firstSequence: 0, lengths: Self.lengths)
        let parameters = TrainableParameters(random: layout)
        let rows = try #require(Self.layout.rows(ofLast: [2, 0, 5, 1]))
        #expect(rows == [5, 6, 15, 16, 17, 18, 19, 23])

        let (some, all) = try (
            Self.passes(model, parameters, rows, reading: true, dropout: dropout),
            Self.passes(model, parameters, rows, reading: false, dropout: dropout)
        )
        for (found, expected) in [
            (some.output, all.output), (some.inputGradient, all.inputGradient), (some.sums.flat, all.sums.flat),
        ] {
            let largest = expected.values.reduce(0) { max($0, abs($1)) }
            let difference = zip(found.values, expected.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(largest > 1e-3 && difference <= 1e-5 * largest)
        }
    }

    @Test("rows that are gathered and scattered again are where they were, and all others are zero")
    func scatter() {
        var generator = SeededGenerator(seed: 5, stream: "scatter")
        for rows in [[], [0], [11], [0, 1, 2], [3, 4, 9, 11], Array(0..<12)] {
            let x_TD = Self.matrix(12, &generator)
            let before = x_TD.copied().matrix(rows: 12, columns: Self.width)
            x_TD.gather(rows)
            x_TD.scatter(rows)
            for row in 0..<12 {
                let expected =
                    rows.contains(row)
                    ? before.rows(row..<row + 1).values : Array(repeating: 0, count: Self.width)
                #expect(x_TD.rows(row..<row + 1).values == expected)
            }
        }
    }
}
