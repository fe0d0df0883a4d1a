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
        case .splitlora, .hosl, .zo:
            weights(frozenBlocks(below: layout.blocks.count, layout)) + besideWeights(method, training: layout)
        case .fedlora, .soft:
            weights(frozenBlocks(below: model.layers, layout)) + head(layout) + besideWeights(method, training: layout)
        }
    }

    /// What a method that trains on devices needs beside frozen weights and the head, which all roles of one process share.
    ///
    /// - Parameter layout: what trains there.
    public func besideWeights(_ method: MethodSettings, training layout: TrainableLayout) -> Int {
        switch method {
        case .central, .splitfrozen: 0
        case .splitlora: bytes(split(layout))
        case .hosl, .zo: bytes(probing(layout))
        case .fedlora, .soft: bytes(federated(layout))
        }
    }

    /// Frozen blocks, forward only. One message is on its way while the next one is made.
    func frozen(cut: Int) -> Int {
        weights(cut) + bytes(FrozenForward.scratchFloats(model, tokens: batch.tokens) + 2 * stream)
    }

    /// Forward and backward of the lower blocks; a batch's activations, and the gradient that comes for them.
    private func split(_ layout: TrainableLayout) -> Int {
        let kept = layout.blocks.count * DecoderBlock.forwardFloats(model, tokens: batch.tokens, training: layout)
        let scratch = max(
            DecoderBlock.backwardFloats(model, tokens: batch.tokens, training: layout),
            DecoderBlock.forwardScratchFloats(model, tokens: batch.tokens, training: layout))
        return trained(layout) + kept + scratch + 2 * stream
    }

    /// Forward and backward of the whole model; the adapters with which a round began, and those that are sent.
    private func federated(_ layout: TrainableLayout) -> Int {
        trained(layout) + 2 * layout.count
            + PassMemory.stashFloats(layout, tokens: batch.tokens, targetCount: batch.targets, outputs: outputs)
            + PassMemory.scratchFloats(layout, tokens: batch.tokens, targetCount: batch.targets, outputs: outputs)
    }

    /// Forward passes alone; the moved parameters of one block, and one message.
    private func probing(_ layout: TrainableLayout) -> Int {
        let block = layout.count / max(1, layout.blocks.count)
        let scratch = DecoderBlock.passFloats(model, tokens: batch.tokens, training: layout)
        return layout.count + block + scratch + 2 * stream
    }

    private func head(_ layout: TrainableLayout) -> Int {
        layout.classes == nil ? OutputHead.frozenBytes(model, outputs: outputs, weightType: weightType) : 0
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
