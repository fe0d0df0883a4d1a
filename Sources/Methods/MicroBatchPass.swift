import Models
import Tensors

/// The forward pass F of one micro-batch after another through the blocks above the frozen ones, and its backward pass
/// in two parts, B and W.
///
/// W may run any time after B, also after micro-batches of other passes. What lies between stands in an arena that is
/// borrowed from F to W, so that memory goes with the passes under way, not with the passes that exist. A pass has one
/// user at a time.
public final class MicroBatchPass: @unchecked Sendable {
    /// Sums of the W passes.
    public let gradients: TrainableParameters

    private let width: Int
    private let memory: PassMemory
    private let stage: StagePass
    private var stream: Arena?

    /// - Parameters:
    ///   - parameters: read by F and B; they must not change between F and W.
    ///   - frozenBlocks: blocks that every micro-batch has passed already.
    ///   - memory: shared by the passes of one trainer.
    ///   - gradients: the sums that W adds to; fresh ones, zero, if left out.
    ///   - recomputes: whether F keeps the input of each block alone, and B runs the block once more.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, frozenBlocks: Int,
        memory: PassMemory, gradients: TrainableParameters? = nil, recomputes: Bool = false
    ) {
        let sizes = model.hyperparameters
        precondition((parameters.layout.blocks.first ?? sizes.layers) >= frozenBlocks, "nothing frozen trains")
        width = sizes.width
        self.memory = memory
        stage = StagePass(
            model: model, head: head, parameters: parameters, blocks: frozenBlocks..<sizes.layers, memory: memory,
            recomputes: recomputes)
        self.gradients = gradients ?? TrainableParameters(layout: parameters.layout)
    }

    /// Loss and right predictions of one micro-batch, summed over its targets.
    public struct Result: Sendable, Equatable {
        /// Σ −log p(target), in nats.
        public var lossSum: Double
        /// How many predictions were right.
        public var correct: Int

        /// The sums of a micro-batch.
        public init(lossSum: Double, correct: Int) {
            self.lossSum = lossSum
            self.correct = correct
        }
    }

    /// F: runs the blocks and the head, and keeps what B and W need.
    ///
    /// - Parameter dropout: which inputs of adapters to drop, if any.
    /// - Throws: what the micro-batch's source of activations throws.
    public func forward(_ batch: MicroBatch, dropout: Dropout? = nil) throws -> Result {
        precondition(stream == nil, "F before the W of the micro-batch before")
        let stream = memory.streams.borrow()
        self.stream = stream
        let x_TD = stream.matrix(rows: batch.layout.tokens, columns: width)
        do {
            try batch.read(x_TD)
        } catch {
            forget()
            throw error
        }
        let result = stage.forward(x_TD, layout: batch.layout, targets: batch.targets, dropout: dropout)
        return result ?? Result(lossSum: 0, correct: 0)
    }

    /// B: gradients of lossScale · Σ loss with respect to activations, down to the lowest trainable block and no further.
    public func backwardInput(lossScale: Float) { stage.backwardInput(lossScale: lossScale, addTo: gradients) }

    /// W: adds the gradients of what trains to `gradients` and frees what F and B kept.
    public func backwardWeights() {
        stage.backwardWeights(addTo: gradients)
        forget()
    }

    /// B and W of each block one right after the other: the fused gradient. What B leaves for W is freed at once.
    public func backward(lossScale: Float) {
        stage.backward(lossScale: lossScale, addTo: gradients)
        forget()
    }

    /// Bytes that lie between F and W.
    var stashedBytes: Int { stage.stashedBytes }

    private func forget() {
        if let stream { memory.streams.giveBack(stream) }
        stream = nil
    }
}
