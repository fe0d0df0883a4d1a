import Checkpoints
import Datasets
import Methods
import Models
import Tensors

/// What a method needs to hold on a device, in bytes by shape: weights, what trains and what the optimizer remembers of it,
/// activations between forward and backward where there is a backward, intermediate results, messages. The program itself
/// is not in it. All numbers have four bytes, but for frozen weights of another type.
public struct DeviceMemory: Sendable {
    /// How large the batches, or messages, of a device are.
    public struct Load: Sendable, Equatable {
        /// The longest sequence.
        let longest: Int
        /// Tokens of the largest batch.
        let tokens: Int
        /// Targets in it.
        let targets: Int

        /// - Parameters:
        ///   - examples: the device's.
        ///   - samples: of its largest batch, or message, which has its longest examples.
        public init(_ examples: [EncodedExample], samples: Int) {
            let largest = examples.map { ($0.tokens.count, $0.targets.count) }.sorted { $0 > $1 }.prefix(samples)
            longest = largest.first?.0 ?? 0
            tokens = largest.reduce(0) { $0 + $1.0 }
            targets = largest.reduce(0) { $0 + $1.1 }
        }
    }

    private let model: Hyperparameters
    private let batch: Load
    private let outputs: Int
    private let optimizerStates: Int
    private let weightType: WeightType

    /// - Parameters:
    ///   - outputs: of the head.
    ///   - optimizerStates: numbers that the optimizer remembers of each parameter.
    ///   - weightType: of frozen weights.
    public init(
        model: Hyperparameters, batch: Load, outputs: Int, optimizerStates: Int, weightType: WeightType = .f32
    ) {
        self.weightType = weightType
        self.model = model
        self.batch = batch
        self.outputs = outputs
        self.optimizerStates = optimizerStates
    }

    /// What a method needs.
    ///
    /// - Parameters:
    ///   - cut: blocks on the device, where nothing trains there.
    ///   - layout: what trains there.
    public func bytes(_ method: MethodSettings, cut: Int, training layout: TrainableLayout) -> Int {
        switch method {
        case .central: 0
        case .splitfrozen: frozen(cut: cut)
        case .splitlora: split(layout)
        case .hosl, .zo: probing(layout)
        case .fedlora, .soft: federated(layout)
        }
    }

    /// Frozen blocks, forward only. One message is on its way while the next one is made.
    func frozen(cut: Int) -> Int {
        weights(cut) + bytes(FrozenForward.scratchFloats(model, tokens: batch.tokens) + 2 * stream)
    }

    /// Forward and backward of the lower blocks; a batch's activations, and the gradient that comes for them.
    func split(_ layout: TrainableLayout) -> Int {
        let kept = layout.blocks.count * DecoderBlock.forwardFloats(model, tokens: batch.tokens, training: layout)
        let scratch = DecoderBlock.backwardFloats(model, tokens: batch.tokens, training: layout)
        return weights(frozenBlocks(below: layout.blocks.count, layout))
            + bytes(trained(layout) + kept + scratch + 2 * stream)
    }

    /// Forward and backward of the whole model; the adapters with which a round began, and those that are sent.
    func federated(_ layout: TrainableLayout) -> Int {
        let head =
            layout.classes == nil ? OutputHead.frozenBytes(model, outputs: outputs, weightType: weightType) : 0
        let activations =
            PassMemory.stashFloats(layout, tokens: batch.tokens, targetCount: batch.targets, outputs: outputs)
            + PassMemory.scratchFloats(layout, tokens: batch.tokens, targetCount: batch.targets, outputs: outputs)
        return weights(frozenBlocks(below: model.layers, layout)) + head
            + bytes(trained(layout) + 2 * layout.count + activations)
    }

    /// Forward passes alone; the moved parameters of one block, and one message.
    func probing(_ layout: TrainableLayout) -> Int {
        let block = layout.count / max(1, layout.blocks.count)
        let scratch = DecoderBlock.forwardFloats(model, tokens: batch.tokens, training: layout)
        return weights(frozenBlocks(below: layout.blocks.count, layout))
            + bytes(layout.count + block + scratch + 2 * stream)
    }

    /// Parameters, gradients and the optimizer's numbers.
    private func trained(_ layout: TrainableLayout) -> Int { (2 + optimizerStates) * layout.count }

    /// A batch's activations between two blocks.
    private var stream: Int { batch.tokens * model.width }

    /// Blocks that train in full have no frozen weights beside them.
    private func frozenBlocks(below count: Int, _ layout: TrainableLayout) -> Int { layout.form == .full ? 0 : count }

    private func weights(_ blocks: Int) -> Int {
        LanguageModel.bytes(model, maximumTokens: batch.longest, loadedBlocks: blocks, weightType: weightType)
    }

    private func bytes(_ floats: Int) -> Int { floats * MemoryLayout<Float>.stride }
}
