import Diagnostics
import Models
import Tensors

/// F, B and W of one micro-batch after another through consecutive blocks: one stage's share of the model.
///
/// F turns the stream at the stage's input into that at its output, in place; B does the same with the gradient, on the
/// way back; W may run any time after B, also after other micro-batches' passes. What lies between stands in an arena that
/// is borrowed from F to W. A pass has one user at a time.
final class StagePass {
    /// The blocks of the stage.
    let blocks: Range<Int>

    private let model: LanguageModel
    /// At the last stage alone.
    private let head: OutputHead?
    private let parameters: TrainableParameters
    private let lowestTrainable: Int
    private let memory: PassMemory
    private let recomputes: Bool
    private var layout = SequenceLayout(lengths: [])
    private var dropout: Dropout?
    private var stash: Arena?
    private var stream_TD: Matrix?
    /// Tokens that the head reads; nil without one, or for all.
    private var rows: [Int]?
    private var kept: [Kept] = []
    private var blockGradients: [BlockGradients] = []
    private var output: OutputHead.Output?

    /// - Parameters:
    ///   - head: for the stage with the highest block; nil for the others.
    ///   - parameters: read by F and B; they must not change between F and W.
    ///   - memory: shared by all passes that run on this machine.
    ///   - recomputes: whether F keeps the input of each block alone, and B runs the block once more.
    init(
        model: LanguageModel, head: OutputHead?, parameters: TrainableParameters, blocks: Range<Int>,
        memory: PassMemory,
        recomputes: Bool = false
    ) {
        self.model = model
        self.recomputes = recomputes
        self.head = head
        self.parameters = parameters
        self.blocks = blocks
        self.memory = memory
        // With a classifier alone in training, no block needs a gradient.
        lowestTrainable = parameters.layout.blocks.first ?? model.hyperparameters.layers
    }

    /// F: runs the blocks, and the head where there is one, and keeps what B and W need.
    ///
    /// - Parameters:
    ///   - x_TD: the stream, which stays the pass's until W: B finds the gradient in its place.
    ///   - targets: per sequence; unused without a head.
    ///   - dropout: which inputs of adapters to drop, if any.
    /// - Returns: loss and right predictions; nil without a head.
    func forward(
        _ x_TD: Matrix, layout: SequenceLayout, targets: [[Int32]], dropout: Dropout?
    ) -> MicroBatchPass.Result? {
        precondition(stream_TD == nil, "F before the W of the micro-batch before")
        let stash = memory.stashes.borrow()
        self.stash = stash
        self.layout = layout
        self.dropout = dropout
        stream_TD = x_TD
        rows = head.flatMap { _ in layout.rows(ofLast: targets.map(\.count)) }
        let frozen = blocks.clamped(to: blocks.lowerBound..<max(blocks.lowerBound, lowestTrainable))
        memory.scratch.withArena { scratch in
            model.forward(frozen, x_TD, layout: layout, reading: trained.isEmpty ? rows : nil, scratch: scratch)
        }
        memory.scratch.withArena { scratch in
            for index in trained {
                if recomputes {
                    let input_TD = stash.matrix(rows: x_TD.rows, columns: x_TD.columns)
                    input_TD.copy(from: x_TD)
                    kept.append(.input(input_TD))
                    _ = forward(index, x_TD, arena: scratch, scratch: scratch)
                } else {
                    kept.append(.activations(forward(index, x_TD, arena: stash, scratch: scratch)))
                }
                scratch.reset()
            }
        }
        guard let head else { return nil }
        output = memory.scratch.withArena { scratch in
            head.forward(
                readPart(of: x_TD), targets: targets.flatMap { $0 }, parameters: parameters, needsGradient: true,
                arena: stash, scratch: scratch)
        }
        return output.map { MicroBatchPass.Result(lossSum: $0.lossSum, correct: $0.correct) }
    }

    /// The gradient at the stage's output, where the stage that made it has not put it in the stream's place. It stays the
    /// pass's until B has turned it into that at the input.
    func takeGradient(_ gradient_TD: Matrix) { stream_TD = gradient_TD }

    /// B: the gradient of lossScale · Σ loss at the stage's input takes the place of that at its output, down to the
    /// lowest trainable block and no further.
    ///
    /// - Parameter sums: where a classifier's gradient is added.
    func backwardInput(lossScale: Float, addTo sums: TrainableParameters) {
        guard let stash else { preconditionFailure("B before F") }
        memory.scratch.withArena { scratch in
            let gradient_TD = outputGradient(lossScale: lossScale, sums, scratch)
            for index in trained.reversed() {
                let activations = activations(of: index, arena: stash, scratch: scratch)
                kept[index - trained.lowerBound] = .activations(activations)
                blockGradients.append(backwardInput(index, activations, gradient_TD, arena: stash, scratch: scratch))
                scratch.reset()
            }
        }
    }

    /// W: adds the gradients of what trains, and forgets what F and B kept.
    func backwardWeights(addTo sums: TrainableParameters) {
        precondition(stash != nil && blockGradients.count == kept.count, "W before B")
        memory.scratch.withArena { scratch in
            for (index, gradients) in zip(trained.reversed(), blockGradients) {
                let activations = activations(of: index, arena: scratch, scratch: scratch)
                backwardWeights(index, activations, gradients, addTo: sums, scratch: scratch)
                scratch.reset()
            }
        }
        forget()
    }

    /// B and W of each block one right after the other: the fused gradient. What B leaves for W is freed at once.
    func backward(lossScale: Float, addTo sums: TrainableParameters) {
        memory.scratch.withArena { scratch in
            let gradient_TD = outputGradient(lossScale: lossScale, sums, scratch)
            for index in trained.reversed() {
                let activations = activations(of: index, arena: scratch, scratch: scratch)
                let gradients = backwardInput(index, activations, gradient_TD, arena: scratch, scratch: scratch)
                Failpoint.hit(.betweenBackwardAndWeights)
                backwardWeights(index, activations, gradients, addTo: sums, scratch: scratch)
                scratch.reset()
            }
        }
        forget()
    }

    /// Forgets the micro-batch, wherever its passes stand.
    func forget() {
        if let stash { memory.stashes.giveBack(stash) }
        kept.removeAll(keepingCapacity: true)
        blockGradients.removeAll(keepingCapacity: true)
        output = nil
        stream_TD = nil
        rows = nil
        dropout = nil
        stash = nil
    }

    /// Bytes that lie between F and W.
    var stashedBytes: Int { stash?.bytesInUse ?? 0 }

    /// The blocks through which gradients flow.
    private var trained: Range<Int> { blocks.clamped(to: max(blocks.lowerBound, lowestTrainable)..<Int.max) }

    /// The gradient at the last block's output, which it replaces: nobody needs that any more.
    private func outputGradient(lossScale: Float, _ sums: TrainableParameters, _ scratch: Arena) -> Matrix {
        guard let gradient_TD = stream_TD else { preconditionFailure("B before F") }
        if let head, let output {
            head.backward(
                output, lossScale: lossScale, into: readPart(of: gradient_TD),
                classifierGradient_KD: sums.classifier_KD, scratch: scratch)
            scratch.reset()
            if trained.isEmpty, let rows { gradient_TD.scatter(rows) }
        }
        return gradient_TD
    }

    /// What the head reads of the stream, or writes of the gradient.
    private func readPart(of x_TD: Matrix) -> Matrix { rows.map { x_TD.rows(0..<$0.count) } ?? x_TD }

    private func forward(_ index: Int, _ x_TD: Matrix, arena: Arena, scratch: Arena) -> BlockActivations {
        model.block(index, parameters: parameters).forward(
            x_TD, layout: layout, reading: index == trained.upperBound - 1 ? rows : nil, dropout: dropout, arena: arena,
            scratch: scratch)
    }

    /// What F kept, or, the same to the bit, what it would have kept.
    private func activations(of index: Int, arena: Arena, scratch: Arena) -> BlockActivations {
        switch kept[index - trained.lowerBound] {
        case .activations(let activations): activations
        case .input(let input_TD): forward(index, input_TD, arena: arena, scratch: scratch)
        }
    }

    private func backwardInput(
        _ index: Int, _ activations: BlockActivations, _ gradient_TD: Matrix, arena: Arena, scratch: Arena
    ) -> BlockGradients {
        model.block(index, parameters: parameters).backwardInput(
            gradient_TD, activations: activations, layout: layout, dropout: dropout,
            needsInputGradient: index > lowestTrainable, arena: arena, scratch: scratch)
    }

    private func backwardWeights(
        _ index: Int, _ activations: BlockActivations, _ gradients: BlockGradients, addTo sums: TrainableParameters,
        scratch: Arena
    ) {
        guard let sums = sums.block(index) else { return }
        model.block(index, parameters: parameters).backwardWeights(
            activations: activations, gradients: gradients, dropout: dropout, addTo: sums, scratch: scratch)
    }
}

/// What lies between F and B of a block.
private enum Kept {
    /// All that B and W read.
    case activations(BlockActivations)
    /// The block's input, of which that is computed again.
    case input(Matrix)
}
