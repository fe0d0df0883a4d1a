import Checkpoints
import Methods
import Models

/// What the server of a method that trains on devices needs to hold beside frozen weights and the head, in bytes by shape.
/// All numbers have four bytes.
public struct ServerMemory: Sendable {
    private let model: Hyperparameters
    private let tokens: Int
    private let targets: Int
    private let outputs: Int
    private let optimizerStates: Int
    private let devices: Int

    /// - Parameters:
    ///   - batches: the largest one of each device.
    ///   - outputs: of the head.
    ///   - optimizerStates: numbers that the optimizer remembers of each parameter.
    public init(model: Hyperparameters, batches: [DeviceMemory.Load], outputs: Int, optimizerStates: Int) {
        self.model = model
        tokens = batches.map(\.tokens).max() ?? 0
        targets = batches.map(\.targets).max() ?? 0
        self.outputs = outputs
        self.optimizerStates = optimizerStates
        devices = batches.count
    }

    /// What a method needs.
    ///
    /// - Parameters:
    ///   - layout: what trains on the server, or is joined there.
    ///   - lower: what trains on each device.
    public func bytes(_ method: MethodSettings, training layout: TrainableLayout, lower: TrainableLayout) -> Int {
        let floats =
            switch method {
            case .central, .splitfrozen: 0
            case .splitlora: split(layout, lower)
            case .hosl: trained(layout) + passes(layout) + probing(layout)
            case .zo: layout.count + layout.count / max(1, layout.blocks.count) + probing(layout)
            // The adapters and their new sum; of each device what it has sent, or is sent.
            case .fedlora, .soft: (2 + devices) * layout.count
            }
        return floats * MemoryLayout<Float>.stride
    }

    /// The gradient goes down through the cut, for which a pass has one block more that never trains; the devices' adapters
    /// are joined.
    private func split(_ layout: TrainableLayout, _ lower: TrainableLayout) -> Int {
        let joined = (1 + devices) * lower.count
        guard let lowest = layout.blocks.first, lowest > 0 else { return trained(layout) + passes(layout) + joined }
        let wider = TrainableLayout(
            model: model, blocks: [lowest - 1] + layout.blocks, form: layout.form, classes: layout.classes)
        return trained(layout) + 2 * wider.count + passes(layout) + joined
    }

    /// Parameters, gradients and the optimizer's numbers.
    private func trained(_ layout: TrainableLayout) -> Int { (2 + optimizerStates) * layout.count }

    /// F, B and W, and the batch's activations.
    private func passes(_ layout: TrainableLayout) -> Int {
        PassMemory.stashFloats(layout, tokens: tokens, targetCount: targets, outputs: outputs)
            + PassMemory.scratchFloats(layout, tokens: tokens, targetCount: targets, outputs: outputs) + stream
    }

    /// Forward passes alone: a batch's activations as they came and as they are passed on, one block's pass and the head's.
    private func probing(_ layout: TrainableLayout) -> Int {
        DecoderBlock.passFloats(model, tokens: tokens, training: layout)
            + OutputHead.forwardScratchFloats(targets: targets, outputs: outputs) + 2 * stream
    }

    private var stream: Int { tokens * model.width }
}
