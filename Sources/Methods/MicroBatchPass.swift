import Diagnostics
import Models
import Tensors

/// The memory of passes: arenas that lie between F and W, and arenas for intermediate results.
public struct PassMemory: Sendable {
    let stashes = ArenaStack()
    let scratch = ArenaStack()

    /// Memory that nobody uses yet.
    public init() {}

    /// How often memory was asked of the system, counted while no pass is under way.
    var growths: Int { stashes.growths + scratch.growths }

    /// Bytes held, counted while no pass is under way.
    var bytes: Int { stashes.bytes + scratch.bytes }
}

extension PassMemory {
    /// Floats of an arena that lies between F and W: the stream, the activations of each block through which gradients
    /// flow, and what the head keeps.
    ///
    /// - Parameter targetCount: of the micro-batch's sequences.
    public static func stashFloats(_ layout: TrainableLayout, tokens: Int, targetCount: Int, outputs: Int) -> Int {
        let model = layout.model, lowest = layout.blocks.first ?? model.layers
        let block = DecoderBlock.forwardFloats(model, tokens: tokens, training: layout)
        return tokens * model.width + (model.layers - lowest) * block
            + OutputHead.forwardFloats(model, targets: targetCount, outputs: outputs)
    }

    /// Floats of an arena for intermediate results: the head's gradients, or B and W of one block, or F of a
    /// frozen one below.
    ///
    /// - Parameter targetCount: of the micro-batch's sequences.
    public static func scratchFloats(_ layout: TrainableLayout, tokens: Int, targetCount: Int, outputs: Int) -> Int {
        max(
            DecoderBlock.backwardFloats(layout.model, tokens: tokens, training: layout),
            DecoderBlock.forwardFloats(layout.model, tokens: tokens, training: nil),
            OutputHead.backwardFloats(layout.model, targets: targetCount, outputs: outputs))
    }
}

/// The forward pass F of one micro-batch after another through the blocks above the frozen ones, and its backward pass
/// in two parts, B and W.
///
/// W may run any time after B, also after micro-batches of other passes. What lies between stands in an arena that is
/// borrowed from F to W, so that memory goes with the passes under way, not with the passes that exist. A pass has one
/// user at a time.
public final class MicroBatchPass: @unchecked Sendable {
    /// Sums of the W passes since `clearGradients`.
    public let gradients: TrainableParameters

    private let model: LanguageModel
    private let head: OutputHead
    private let parameters: TrainableParameters
    private let blocks: Range<Int>
    private let lowestTrainable: Int
    private let memory: PassMemory
    private var stash: Arena?
    private var layout = SequenceLayout(lengths: [])
    private var dropout: Dropout?
    private var x_TD: Matrix?
    private var activations: [BlockActivations] = []
    private var blockGradients: [BlockGradients] = []
    private var output: OutputHead.Output?

    /// - Parameters:
    ///   - parameters: read by F and B; they must not change between F and W.
    ///   - frozenBlocks: blocks that every micro-batch has passed already.
    ///   - memory: shared by the passes of one trainer.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, frozenBlocks: Int,
        memory: PassMemory
    ) {
        self.memory = memory
        self.model = model
        self.head = head
        self.parameters = parameters
        blocks = frozenBlocks..<model.hyperparameters.layers
        // With a classifier alone in training, no block needs a gradient.
        lowestTrainable = parameters.layout.blocks.first ?? model.hyperparameters.layers
        precondition(lowestTrainable >= frozenBlocks, "nothing frozen trains")
        gradients = TrainableParameters(layout: parameters.layout)
    }

    /// Loss and right predictions of one micro-batch, summed over its targets.
    public struct Result: Sendable, Equatable {
        /// Σ −log p(target), in nats.
        public var lossSum: Double
        /// How many predictions were right.
        public var correct: Int
    }

    /// Sets the sums of gradients to zero.
    public func clearGradients() { gradients.flat.fill(0) }

    /// F: runs the blocks and the head, and keeps what B and W need.
    ///
    /// - Parameter dropout: which inputs of adapters to drop, if any.
    /// - Throws: what the micro-batch's source of activations throws.
    public func forward(_ batch: MicroBatch, dropout: Dropout? = nil) throws -> Result {
        precondition(stash == nil, "F before the W of the micro-batch before")
        let stash = memory.stashes.borrow()
        self.stash = stash
        self.dropout = dropout
        layout = batch.layout
        let x_TD = stash.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
        do {
            try batch.read(x_TD)
        } catch {
            forget(stash)
            throw error
        }
        if lowestTrainable > blocks.lowerBound {
            memory.scratch.withArena { scratch in
                model.forward(blocks.lowerBound..<lowestTrainable, x_TD, layout: layout, scratch: scratch)
            }
        }
        for index in trained {
            activations.append(
                model.block(index, parameters: parameters)
                    .forward(x_TD, layout: layout, dropout: dropout, arena: stash))
        }
        let output = head.forward(
            x_TD, layout: layout, targets: batch.targets, parameters: parameters, arena: stash)
        self.x_TD = x_TD
        self.output = output
        return Result(lossSum: output.lossSum, correct: output.correct)
    }

    /// B: gradients of lossScale · Σ loss with respect to activations, down to the lowest trainable block and no further.
    public func backwardInput(lossScale: Float) {
        guard let stash else { preconditionFailure("B before F") }
        memory.scratch.withArena { scratch in
            let gradient_TD = headGradient(lossScale: lossScale, scratch)
            for index in trained.reversed() {
                blockGradients.append(backwardInput(index, gradient_TD, arena: stash, scratch: scratch))
                scratch.reset()
            }
        }
    }

    /// W: adds the gradients of what trains to `gradients` and frees what F and B kept.
    public func backwardWeights() {
        guard let stash, blockGradients.count == activations.count else { preconditionFailure("W before B") }
        memory.scratch.withArena { scratch in
            for (index, kept) in zip(trained.reversed(), blockGradients) {
                backwardWeights(index, kept, scratch: scratch)
                scratch.reset()
            }
        }
        forget(stash)
    }

    /// B and W of each block one right after the other: the fused gradient. What B leaves for W is freed at once.
    public func backward(lossScale: Float) {
        guard let stash else { preconditionFailure("B before F") }
        memory.scratch.withArena { scratch in
            let gradient_TD = headGradient(lossScale: lossScale, scratch)
            for index in trained.reversed() {
                let kept = backwardInput(index, gradient_TD, arena: scratch, scratch: scratch)
                Failpoint.hit(.betweenBackwardAndWeights)
                backwardWeights(index, kept, scratch: scratch)
                scratch.reset()
            }
        }
        forget(stash)
    }

    /// The blocks through which gradients flow.
    private var trained: Range<Int> { lowestTrainable..<blocks.upperBound }

    /// The gradient at the last block's output, which it replaces: nobody needs that any more.
    private func headGradient(lossScale: Float, _ scratch: Arena) -> Matrix {
        guard let output, let gradient_TD = x_TD else { preconditionFailure("B before F") }
        head.backward(
            output, lossScale: lossScale, into: gradient_TD, classifierGradient_KD: gradients.classifier_KD,
            scratch: scratch)
        scratch.reset()
        return gradient_TD
    }

    private func backwardInput(
        _ index: Int, _ gradient_TD: Matrix, arena: Arena, scratch: Arena
    ) -> BlockGradients {
        model.block(index, parameters: parameters).backwardInput(
            gradient_TD, activations: activations[index - lowestTrainable], layout: layout, dropout: dropout,
            needsInputGradient: index > lowestTrainable, arena: arena, scratch: scratch)
    }

    private func backwardWeights(_ index: Int, _ kept: BlockGradients, scratch: Arena) {
        guard let sums = gradients.block(index) else { return }
        model.block(index, parameters: parameters).backwardWeights(
            activations: activations[index - lowestTrainable], gradients: kept, dropout: dropout, addTo: sums,
            scratch: scratch)
    }

    private func forget(_ stash: Arena) {
        activations.removeAll(keepingCapacity: true)
        blockGradients.removeAll(keepingCapacity: true)
        output = nil
        x_TD = nil
        dropout = nil
        self.stash = nil
        memory.stashes.giveBack(stash)
    }
}
