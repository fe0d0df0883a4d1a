import Checkpoints
import Models
import Support
import Tensors
import Testing

@Suite("Trunks")
struct TrunkTests {
    private static let sequences: [[Int32]] = [[3, 14, 15], [9, 2, 6, 5, 3], [5]]

    private static func outputs(_ model: LanguageModel, _ sequences: [[Int32]]) throws -> [Float] {
        let layout = SequenceLayout(lengths: sequences.map(\.count)), width = model.hyperparameters.width
        let x_TD = Storage(count: layout.tokens * width).matrix(rows: layout.tokens, columns: width)
        try model.embed(sequences.flatMap { $0 }, layout: layout, into: x_TD)
        model.forward(0..<model.hyperparameters.layers, x_TD, layout: layout, scratch: Arena())
        return x_TD.values
    }

    @Test("the blocks above a trunk, on what comes out of it, are the whole model", arguments: [1, 2, 3])
    func whole(blocks: Int) throws {
        let source = try RandomModelSource(layers: 4), whole = try LanguageModel(source: source, maximumTokens: 16)
        let upper = try LanguageModel(
            source: UpperModel(of: source, from: blocks), maximumTokens: 16,
            trunk: Trunk(of: source, blocks: blocks, maximumTokens: 16))
        #expect(upper.hyperparameters.layers == 4 - blocks)
        let expected = try Self.outputs(whole, Self.sequences)
        #expect(relativeDifference(try Self.outputs(upper, Self.sequences), expected) < 1e-6)
    }

    @Test("what comes out for a sequence is the same to the bit whoever is in its batch")
    func alone() throws {
        let source = try RandomModelSource(layers: 4)
        func embedded(_ sequences: [[Int32]]) throws -> [Float] {
            let upper = try LanguageModel(
                source: UpperModel(of: source, from: 2), maximumTokens: 16,
                trunk: Trunk(of: source, blocks: 2, maximumTokens: 16))
            let layout = SequenceLayout(lengths: sequences.map(\.count)), width = upper.hyperparameters.width
            let x_TD = Storage(count: layout.tokens * width).matrix(rows: layout.tokens, columns: width)
            try upper.embed(sequences.flatMap { $0 }, layout: layout, into: x_TD)
            return x_TD.values
        }
        #expect(try embedded(Self.sequences) == Self.sequences.flatMap { try embedded([$0]) })
    }
}
