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

/// The forward pass F of one micro-batch through the trainable blocks, and its backward pass in two parts, B and W.
///
/// W may run any time after B, also after later micro-batches. What lies between stands in an arena that is borrowed
/// from F to W, so that memory goes with the passes under way, not with the passes that exist. A pass has one user at
/// a time.
public final class MicroBatchPass: @unchecked Sendable {
    /// Sums of the W passes since `clearGradients`.
    public let gradients: AdapterTensors

    private let model: LlamaModel
    private let head: VerbalizerHead
    private let adapters: AdapterTensors
    private let memory: PassMemory
    private var stash: Arena?
    private var layout = SequenceLayout(lengths: [])
    private var labels: [Int] = []
    private var x_TD: Matrix?
    private var activations: [LlamaBlockActivations] = []
    private var blockGradients: [LlamaBlockGradients] = []
    private var output: VerbalizerHead.Output?

    /// - Parameters:
    ///   - adapters: read by F and B; they must not change between F and W.
    ///   - memory: shared by the passes of one trainer.
    public init(model: LlamaModel, head: VerbalizerHead, adapters: AdapterTensors, memory: PassMemory) {
        self.memory = memory
        self.model = model
        self.head = head
        self.adapters = adapters
        gradients = AdapterTensors(layout: adapters.layout)
    }

    /// Loss and right predictions of one micro-batch, summed over its sequences.
    public struct Result: Sendable, Equatable {
        /// Σ −log p(label), in nats.
        public var lossSum: Double
        /// How many predictions were right.
        public var correct: Int
    }

    /// Sets the sums of gradients to zero.
    public func clearGradients() { gradients.flat.fill(0) }

    /// F: runs the trainable blocks and the head, and keeps what B and W need.
    ///
    /// - Throws: what the micro-batch's source of activations throws.
    public func forward(_ batch: MicroBatch) throws -> Result {
        precondition(stash == nil, "F before the W of the micro-batch before")
        let stash = memory.stashes.borrow()
        self.stash = stash
        layout = batch.layout
        labels = batch.labels
        let x_TD = stash.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
        do {
            try batch.read(x_TD)
        } catch {
            forget(stash)
            throw error
        }
        activations.removeAll(keepingCapacity: true)
        for index in adapters.layout.blocks {
            activations.append(
                model.blocks[index].forward(x_TD, layout: layout, adapters: adapters.block(index), arena: stash))
        }
        let output = head.forward(x_TD, layout: layout, arena: stash)
        self.x_TD = x_TD
        self.output = output
        return Result(lossSum: output.lossSum(labels: labels), correct: output.correct(labels: labels))
    }

    /// B: gradients of lossScale · Σ loss with respect to activations, down to the lowest trainable block and no further.
    public func backwardInput(lossScale: Float) {
        guard let stash else { preconditionFailure("B before F") }
        memory.scratch.withArena { scratch in
            let gradient_TD = headGradient(lossScale: lossScale, scratch)
            for index in adapters.layout.blocks.reversed() {
                blockGradients.append(backwardInput(index, gradient_TD, arena: stash, scratch: scratch))
                scratch.reset()
            }
        }
    }

    /// W: adds the gradients of the adapters to `gradients` and frees what F and B kept.
    public func backwardWeights() {
        guard let stash, blockGradients.count == activations.count else { preconditionFailure("W before B") }
        for (index, kept) in zip(adapters.layout.blocks.reversed(), blockGradients) {
            backwardWeights(index, kept)
        }
        forget(stash)
    }

    /// B and W of each block one right after the other: the fused gradient. What B leaves for W is freed at once.
    public func backward(lossScale: Float) {
        guard let stash else { preconditionFailure("B before F") }
        memory.scratch.withArena { scratch in
            let gradient_TD = headGradient(lossScale: lossScale, scratch)
            for index in adapters.layout.blocks.reversed() {
                backwardWeights(index, backwardInput(index, gradient_TD, arena: scratch, scratch: scratch))
                scratch.reset()
            }
        }
        forget(stash)
    }

    /// The gradient at the last block's output, which it replaces: nobody needs that any more.
    private func headGradient(lossScale: Float, _ scratch: Arena) -> Matrix {
        guard let output, let gradient_TD = x_TD else { preconditionFailure("B before F") }
        head.backwardInput(
            output, labels: labels, lossScale: lossScale, layout: layout, into: gradient_TD, scratch: scratch)
        scratch.reset()
        return gradient_TD
    }

    private func backwardInput(
        _ index: Int, _ gradient_TD: Matrix, arena: Arena, scratch: Arena
    ) -> LlamaBlockGradients {
        model.blocks[index].backwardInput(
            gradient_TD, activations: activations[index - adapters.layout.blocks.lowerBound], layout: layout,
            adapters: adapters.block(index), needsInputGradient: index > adapters.layout.blocks.lowerBound,
            arena: arena, scratch: scratch)
    }

    private func backwardWeights(_ index: Int, _ kept: LlamaBlockGradients) {
        model.blocks[index].backwardWeights(
            activations: activations[index - adapters.layout.blocks.lowerBound], gradients: kept,
            adapters: adapters.block(index), addTo: gradients.block(index))
    }

    private func forget(_ stash: Arena) {
        activations.removeAll(keepingCapacity: true)
        blockGradients.removeAll(keepingCapacity: true)
        output = nil
        x_TD = nil
        self.stash = nil
        memory.stashes.giveBack(stash)
    }
}
