import Checkpoints
import Models
import Tensors

/// What a SplitFrozen device computes: the embedding and its first blocks, forward only, nothing kept.
public struct FrozenForward: Sendable {
    private let model: LanguageModel
    private let arenas = ArenaStack()

    /// - Parameter model: shared, never written to.
    public init(model: LanguageModel) { self.model = model }

    /// The highest cut that can be run.
    public var maximumCut: Int { model.loadedBlocks }

    /// Floats of one token's activation.
    public var width: Int { model.hyperparameters.width }

    /// Loads the blocks below a cut, as far as they are not in memory.
    ///
    /// - Throws: what the model's source throws for a missing, misshapen or damaged tensor.
    public func load(_ cut: Int) throws { try model.load(cut) }

    /// Activations of packed token sequences after the first `cut` blocks: [tokens, width].
    ///
    /// - Throws: what the model throws for a token outside the vocabulary.
    public func activations(of sequences: [[Int32]], cut: Int) throws -> Storage {
        let layout = SequenceLayout(lengths: sequences.map(\.count))
        let result = Storage(count: layout.tokens * width)
        let x_TD = result.matrix(rows: layout.tokens, columns: width)
        try model.embed(sequences.flatMap { $0 }, layout: layout, into: x_TD)
        advance(x_TD, lengths: sequences.map(\.count), blocks: 0..<cut)
        return result
    }

    /// Floats that `activations` takes beside its result: one block at a time.
    public static func scratchFloats(_ model: Hyperparameters, tokens: Int) -> Int {
        DecoderBlock.passFloats(model, tokens: tokens, training: nil)
    }

    /// F0: runs frozen blocks over activations in place, as a worker does for a device with a lower cut.
    public func advance(_ x_TD: Matrix, lengths: [Int], blocks: Range<Int>) {
        arenas.withArena { scratch in
            model.forward(blocks, x_TD, layout: SequenceLayout(lengths: lengths), scratch: scratch)
        }
    }
}
