import Checkpoints
import Foundation
import Models
import Support
import Testing

@testable import Tensors

/// A random model whose linear weights are the nearest of a type.
private final class RoundedSource: ModelSource {
    private let base: RandomModelSource
    private let type: WeightType

    init(_ base: RandomModelSource, as type: WeightType) { (self.base, self.type) = (base, type) }

    var hyperparameters: Hyperparameters { base.hyperparameters }
    func shape(of name: String) -> [Int]? { base.shape(of: name) }
    func readRows(_ rows: [Int], of name: String, into matrix: Matrix) {
        base.readRows(rows, of: name, into: matrix)
    }
    func releasePages() {}

    func read(_ name: String, into matrix: Matrix) {
        base.read(name, into: matrix)
        guard matrix.rows > 1 else { return }
        switch WeightMatrix(matrix, as: type) {
        case .f32: return
        case .bf16(let short): matrix.copy(from: short.floats)
        case .int8(let short): matrix.copy(from: short.floats)
        case .packed: Issue.record("nobody asked for packed weights")
        }
    }
}

@Suite("How frozen weights are kept")
struct WeightTypeTests {
    @Test(
        "a model of whole numbers that share scales is the model of these as floats",
        arguments: [ModelFamily.llama, .opt])
    func wholeNumbers(family: ModelFamily) throws {
        let base = try RandomModelSource(family: family, layers: 3)
        let kept = try outputs(base, as: .int8)
        let same = try outputs(RoundedSource(base, as: .int8), as: .f32)
        #expect(relativeDifference(kept, same) < 1e-5)
        let exact = try outputs(base, as: .f32)
        #expect(relativeDifference(kept, exact) > 1e-4 && relativeDifference(kept, exact) < 0.05)
    }

    @Test("blocks take half the memory as bfloat16, and about a quarter as whole numbers", arguments: [576, 768, 2048])
    func room(width: Int) {
        let whole = WeightType.f32.floats(3 * width, width)
        #expect(WeightType.bf16.floats(3 * width, width) * 2 == whole)
        let share = Double(WeightType.int8.floats(3 * width, width)) / Double(whole)
        #expect(share > 0.25 && share < 0.26)
    }

    private func outputs(_ source: any ModelSource, as type: WeightType) throws -> [Float] {
        let model = try LanguageModel(source: source, maximumTokens: 8, weightType: type)
        let tokens: [Int32] = [3, 14, 15, 9, 2, 6], width = model.hyperparameters.width
        let layout = SequenceLayout(lengths: [4, 2])
        let x_TD = Storage(count: tokens.count * width).matrix(rows: tokens.count, columns: width)
        try model.embed(tokens, layout: layout, into: x_TD)
        model.forward(0..<model.hyperparameters.layers, x_TD, layout: layout, scratch: Arena())
        return x_TD.values
    }
}
