import Checkpoints
import Methods
import Models

/// What a method needs to hold on a device, in bytes by shape: weights, what trains and what the optimizer remembers of it,
/// activations between forward and backward where there is a backward, intermediate results, messages. The program itself
/// is not in it. All numbers have four bytes.
struct DeviceMemory: Sendable {
    let model: Hyperparameters
    /// The longest sequence.
    let longest: Int
    /// Tokens and targets of the largest batch.
    let batch: (tokens: Int, targets: Int)
    let outputs: Int
    /// Numbers that the optimizer remembers of each parameter.
    let optimizerStates: Int

    /// Frozen blocks, forward only. One message is on its way while the next one is made.
    func frozen(cut: Int) -> Int {
        bytes(weights(cut) + FrozenForward.scratchFloats(model, tokens: batch.tokens) + 2 * stream)
    }

    /// What a method that trains on devices needs, given what trains there.
    func bytes(_ method: MethodPlan.Method, _ layout: TrainableLayout) -> Int {
        switch method {
        case .splitLoRA: split(layout)
        case .probing: probing(layout)
        case .federated: federated(layout)
        }
    }

    /// Forward and backward of the lower blocks; a batch's activations, and the gradient that comes for them.
    func split(_ layout: TrainableLayout) -> Int {
        let kept = layout.blocks.count * DecoderBlock.forwardFloats(model, tokens: batch.tokens, training: layout)
        let scratch = DecoderBlock.backwardFloats(model, tokens: batch.tokens, training: layout)
        return bytes(
            weights(frozenBlocks(below: layout.blocks.count, layout)) + trained(layout) + kept + scratch + 2 * stream)
    }

    /// Forward and backward of the whole model; the adapters with which a round began, and those that are sent.
    func federated(_ layout: TrainableLayout) -> Int {
        let head = layout.classes == nil ? OutputHead.frozenFloats(model, outputs: outputs) : 0
        let activations =
            PassMemory.stashFloats(layout, tokens: batch.tokens, targetCount: batch.targets, outputs: outputs)
            + PassMemory.scratchFloats(layout, tokens: batch.tokens, targetCount: batch.targets, outputs: outputs)
        return bytes(
            weights(frozenBlocks(below: model.layers, layout)) + head + trained(layout) + 2 * layout.count + activations
        )
    }

    /// Forward passes alone; the moved parameters of one block, and one message.
    func probing(_ layout: TrainableLayout) -> Int {
        let block = layout.count / max(1, layout.blocks.count)
        let scratch = DecoderBlock.forwardFloats(model, tokens: batch.tokens, training: layout)
        return bytes(
            weights(frozenBlocks(below: layout.blocks.count, layout)) + layout.count + block + scratch + 2 * stream)
    }

    /// Parameters, gradients and the optimizer's numbers.
    private func trained(_ layout: TrainableLayout) -> Int { (2 + optimizerStates) * layout.count }

    /// A batch's activations between two blocks.
    private var stream: Int { batch.tokens * model.width }

    /// Blocks that train in full have no frozen weights beside them.
    private func frozenBlocks(below count: Int, _ layout: TrainableLayout) -> Int { layout.form == .full ? 0 : count }

    private func weights(_ blocks: Int) -> Int {
        LanguageModel.floats(model, maximumTokens: longest, loadedBlocks: blocks)
    }

    private func bytes(_ floats: Int) -> Int { floats * MemoryLayout<Float>.stride }
}
