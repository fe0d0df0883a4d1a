import Models
import Tensors

/// The memory of passes: arenas that lie between F and W, and arenas for intermediate results.
public struct PassMemory: Sendable {
    /// Of what goes from stage to stage.
    let streams = ArenaStack()
    let stashes = ArenaStack()
    let scratch = ArenaStack()

    /// Memory that nobody uses yet.
    public init() {}

    /// How often memory was asked of the system, counted while no pass is under way.
    var growths: Int { streams.growths + stashes.growths + scratch.growths }

    /// Bytes held, counted while no pass is under way.
    var bytes: Int { streams.bytes + stashes.bytes + scratch.bytes }
}

extension PassMemory {
    /// Floats of an arena that lies between F and W: the stream, the activations of each block through which gradients
    /// flow, and what the head keeps.
    ///
    /// - Parameters:
    ///   - targetCount: of the micro-batch's sequences.
    ///   - recomputes: whether the input of each block is kept alone.
    public static func stashFloats(
        _ layout: TrainableLayout, tokens: Int, targetCount: Int, outputs: Int, recomputes: Bool = false
    ) -> Int {
        let model = layout.model, lowest = layout.blocks.first ?? model.layers
        let input = tokens * model.width
        let block = recomputes ? input : DecoderBlock.forwardFloats(model, tokens: tokens, training: layout)
        let last =
            recomputes
            ? input
            : DecoderBlock.forwardFloats(
                model, tokens: tokens, read: readTokens(targetCount, of: tokens), training: layout)
        let blocks = lowest == model.layers ? 0 : (model.layers - lowest - 1) * block + last
        return tokens * model.width + blocks
            + OutputHead.forwardFloats(model, targets: targetCount, outputs: outputs, needsGradient: true)
    }

    /// How many tokens go on behind the last attention; nil for all.
    private static func readTokens(_ targetCount: Int, of tokens: Int) -> Int? {
        targetCount < tokens ? targetCount : nil
    }

    /// Floats of an arena for intermediate results: the head's logits, or its gradient, or B and W of one block, behind its
    /// F where that runs once more, or F of a frozen one below.
    ///
    /// - Parameters:
    ///   - targetCount: of the micro-batch's sequences.
    ///   - recomputes: whether blocks run once more.
    public static func scratchFloats(
        _ layout: TrainableLayout, tokens: Int, targetCount: Int, outputs: Int, recomputes: Bool = false
    ) -> Int {
        let forward = DecoderBlock.forwardScratchFloats(layout.model, tokens: tokens, training: layout)
        let again = forward + DecoderBlock.forwardFloats(layout.model, tokens: tokens, training: layout)
        return max(
            DecoderBlock.backwardFloats(layout.model, tokens: tokens, training: layout) + (recomputes ? again : 0),
            forward,
            DecoderBlock.passFloats(layout.model, tokens: tokens, training: nil),
            OutputHead.forwardScratchFloats(targets: targetCount, outputs: outputs),
            OutputHead.backwardFloats(layout.model, targets: targetCount))
    }
}

extension PassMemory {
    /// Bytes that a block of a stage leaves between F and B, and those that lie there between B and W.
    ///
    /// - Parameters:
    ///   - head: how many outputs the head has, for the block below it; nil for the others.
    ///   - targetCount: of the micro-batch's sequences.
    public static func stageStash(
        _ layout: TrainableLayout, block: Int, tokens: Int, targetCount: Int, head: Int?
    ) -> (activationBytes: Int, weightStashBytes: Int) {
        var activations = 0, gradients = 0
        if let lowest = layout.blocks.first, block >= lowest {
            let read = head == nil ? nil : readTokens(targetCount, of: tokens)
            activations = DecoderBlock.forwardFloats(layout.model, tokens: tokens, read: read, training: layout)
            gradients = DecoderBlock.keptGradientFloats(layout.model, tokens: tokens, read: read, training: layout)
        }
        if let head {
            activations += OutputHead.forwardFloats(
                layout.model, targets: targetCount, outputs: head, needsGradient: true)
        }
        let bytes = MemoryLayout<Float>.stride
        return (activations * bytes, (activations + gradients) * bytes)
    }
}
