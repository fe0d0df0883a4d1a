import Checkpoints
import Synchronization
import Tensors

/// The lowest blocks of a model where they are taken as part of its embedding, so that what is done to the upper blocks again
/// and again costs as much as in a smaller model.
///
/// Every sequence goes through them once and alone: what comes out does not depend on who else is in its batch.
public final class Trunk: Sendable {
    private let model: LanguageModel
    private let arenas = ArenaStack()
    private let outputs = Mutex<[[Int32]: Storage]>([:])

    /// - Parameters:
    ///   - source: of the whole model.
    ///   - blocks: how many of the lowest.
    ///   - maximumTokens: the longest sequence that will be run.
    ///   - weightType: of its weights.
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    public init(of source: any ModelSource, blocks: Int, maximumTokens: Int, weightType: WeightType = .f32) throws {
        model = try LanguageModel(
            source: source, maximumTokens: maximumTokens, loadedBlocks: blocks, forwardOnly: blocks,
            weightType: weightType)
    }

    /// - Throws: what the source throws for a token outside the vocabulary.
    func embed(_ tokens: [Int32], layout: SequenceLayout, into x_TD: Matrix) throws {
        for sequence in 0..<layout.count {
            let rows = layout.rows(of: sequence)
            let output = try output(of: Array(tokens[rows]))
            x_TD.rows(rows).copy(from: output.matrix(rows: rows.count, columns: x_TD.columns))
        }
    }

    private func output(of tokens: [Int32]) throws -> Storage {
        if let known = outputs.withLock({ $0[tokens] }) { return known }
        let width = model.hyperparameters.width, layout = SequenceLayout(lengths: [tokens.count])
        let output = Storage(count: tokens.count * width)
        let x_TD = output.matrix(rows: tokens.count, columns: width)
        try model.embed(tokens, layout: layout, into: x_TD)
        arenas.withArena { model.forward(0..<model.loadedBlocks, x_TD, layout: layout, scratch: $0) }
        outputs.withLock { $0[tokens] = output }
        return output
    }
}
