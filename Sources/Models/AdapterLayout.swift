import Checkpoints

/// Where the adapters of a model lie in one flat run of floats, so that gradients, moments and parameters share one
/// shape and an optimizer passes over all of them at once.
public struct AdapterLayout: Sendable, Equatable {
    /// One adapted linear layer.
    public struct Slot: Sendable, Equatable {
        /// The block, counted from 0.
        public let block: Int
        /// The linear layer inside the block.
        public let target: AdapterTarget
        /// Columns of A.
        public let inputWidth: Int
        /// Rows of B.
        public let outputWidth: Int
        /// Where A [rank, inputWidth] begins; B [outputWidth, rank] follows it.
        let offset: Int
    }

    /// Rows of A and columns of B.
    public let rank: Int
    /// The adapter's output is scaled by alpha / rank.
    public let alpha: Float
    /// The blocks that train.
    public let blocks: Range<Int>
    /// Slots by block, then target.
    public let slots: [Slot]
    /// The number of trainable parameters.
    public let count: Int
    private let slotIndices: [Int?]

    /// - Parameters:
    ///   - blocks: the trainable blocks, counted from 0.
    ///   - targets: the linear layers that get an adapter.
    public init(model: Hyperparameters, blocks: Range<Int>, targets: Set<AdapterTarget>, rank: Int, alpha: Float) {
        precondition(rank > 0 && blocks.lowerBound >= 0 && blocks.upperBound <= model.layers)
        self.rank = rank
        self.alpha = alpha
        self.blocks = blocks
        var slots: [Slot] = []
        var slotIndices: [Int?] = []
        var offset = 0
        for block in blocks {
            for target in AdapterTarget.allCases {
                guard targets.contains(target) else {
                    slotIndices.append(nil)
                    continue
                }
                let (input, output) = target.widths(in: model)
                slotIndices.append(slots.count)
                slots.append(Slot(block: block, target: target, inputWidth: input, outputWidth: output, offset: offset))
                offset += rank * (input + output)
            }
        }
        self.slots = slots
        self.slotIndices = slotIndices
        count = offset
    }

    /// The slot of a block's linear layer, or nil when it has no adapter.
    func slot(block: Int, target: AdapterTarget) -> Slot? {
        guard blocks.contains(block) else { return nil }
        return slotIndices[(block - blocks.lowerBound) * AdapterTarget.allCases.count + target.index].map { slots[$0] }
    }
}
