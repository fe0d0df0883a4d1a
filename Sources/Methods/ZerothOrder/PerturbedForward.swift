import Checkpoints
import Models
import Tensors

/// A forward pass through blocks whose parameters are moved by ±ε along a random direction, forward only, nothing kept.
///
/// The parameters themselves are never touched: each block's moved parameters are made when the block is about to run, in
/// memory that is given back behind it. So nothing has to be restored, no rounding is left behind, and beside the parameters
/// there is never more than one block, however many of them train, as adapters or in full.
struct PerturbedForward: Sendable {
    let blocks: Range<Int>
    /// Of some of the blocks, and of a classifier.
    let parameters: TrainableParameters
    private let model: LanguageModel
    private let arenas = ArenaStack()

    init(model: LanguageModel, parameters: TrainableParameters, blocks: Range<Int>) {
        self.model = model
        self.parameters = parameters
        self.blocks = blocks
    }

    /// A move along a direction: sign · ε.
    struct Move {
        let direction: RandomDirection
        let scale: Float
    }

    /// Numbers that a move changes.
    var count: Int { parameters.layout.count }

    /// The embedding of packed sequences: [tokens, width].
    ///
    /// - Throws: what the model throws for a token outside the vocabulary.
    func embed(_ sequences: [[Int32]]) throws -> Storage {
        let layout = SequenceLayout(lengths: sequences.map(\.count)), width = model.hyperparameters.width
        let x = Storage(count: layout.tokens * width)
        try model.embed(
            sequences.flatMap { $0 }, layout: layout, into: x.matrix(rows: layout.tokens, columns: width))
        return x
    }

    /// Runs the blocks over a stream, in place.
    ///
    /// - Parameters:
    ///   - targets: of each sequence how many last tokens' output is wanted, which takes the first rows; nil for all.
    ///   - move: nil for the parameters as they are.
    func advance(_ x: Storage, lengths: [Int], targets: [Int]? = nil, move: Move?) {
        let layout = SequenceLayout(lengths: lengths)
        let x_TD = x.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
        let rows = targets.flatMap(layout.rows(ofLast:))
        if blocks.isEmpty, let rows { x_TD.gather(rows) }
        arenas.withArena { scratch in
            for block in blocks {
                model.forward(
                    block..<block + 1, x_TD, layout: layout, reading: block == blocks.upperBound - 1 ? rows : nil,
                    parameters: move.map { moved(block: block, $0) } ?? parameters,
                    scratch: scratch)
            }
        }
    }

    /// The mean loss over the targets of a stream's sequences after the blocks, in nats. The stream is left as it was.
    func loss(_ x: Storage, lengths: [Int], targets: [[Int32]], head: OutputHead, move: Move?) -> Double {
        let layout = SequenceLayout(lengths: lengths)
        let copy = x.matrix(rows: layout.tokens, columns: model.hyperparameters.width).copied()
        advance(copy, lengths: lengths, targets: targets.map(\.count), move: move)
        let read = targets.flatMap { $0 }
        return arenas.withArena { scratch in
            let output = head.forward(
                copy.matrix(rows: read.count, columns: model.hyperparameters.width), targets: read,
                parameters: move.map { moved(block: nil, $0) } ?? parameters,
                needsGradient: false, arena: scratch, scratch: scratch)
            return output.lossSum / Double(read.count)
        }
    }

    /// Moves the parameters for good.
    func step(_ moves: [Move]) {
        for move in moves { move.direction.add(scale: move.scale, to: parameters) }
    }

    /// The moved parameters of one block, or of what lies in none.
    private func moved(block: Int?, _ move: Move) -> TrainableParameters? {
        guard let own = parameters.directionParts.first(where: { $0.block == block })?.values else { return nil }
        let layout = parameters.layout
        let moved = TrainableParameters(
            layout: TrainableLayout(
                model: layout.model, blocks: block.map { [$0] } ?? [], form: layout.form,
                classes: block == nil ? layout.classes : nil))
        moved.flat.copy(from: own)
        move.direction.add(scale: move.scale, block: block, to: moved.flat)
        return moved
    }
}
