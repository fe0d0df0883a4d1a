import Checkpoints

/// Low-rank adapters (Hu et al., 2021): how wide, how strong, and beside which linear layers.
public struct LowRankForm: Sendable, Equatable {
    /// Rows of A and columns of B.
    public var rank: Int
    /// The numerator of the scale.
    public var alpha: Double
    /// Whether the scale is alpha / √rank (rsLoRA, Kalajdzievski, 2023) instead of alpha / rank.
    public var isRankStabilised: Bool
    /// The share of an adapter's inputs that are dropped in training.
    public var dropout: Float
    /// Paths inside a block of the linear layers that get an adapter.
    public var modules: Set<String>

    /// - Parameter modules: paths inside a block, such as `self_attn.q_proj`.
    public init(
        rank: Int, alpha: Double, isRankStabilised: Bool = false, dropout: Float = 0, modules: Set<String>
    ) {
        self.rank = rank
        self.alpha = alpha
        self.isRankStabilised = isRankStabilised
        self.dropout = dropout
        self.modules = modules
    }

    /// What an adapter's output is multiplied by.
    public var scale: Float { Float(alpha / (isRankStabilised ? Double(rank).squareRoot() : Double(rank))) }
}

/// Where everything that trains lies in one flat run of floats, so that gradients, moments and parameters share one
/// shape and an optimizer passes over all of them at once. What is frozen has no place in it.
public struct TrainableLayout: Sendable, Equatable {
    /// What trains inside a block.
    public enum Form: Sendable, Equatable {
        /// Adapters beside linear layers.
        case lowRank(LowRankForm)
        /// Every weight of the block.
        case full
    }

    /// One adapted linear layer.
    public struct Slot: Sendable, Equatable {
        /// The block, counted from 0.
        public let block: Int
        /// The linear layer inside the block.
        public let site: LinearSite
        /// Where A [rank, inputs] begins; B [outputs, rank] follows it.
        let offset: Int
    }

    /// The model's sizes.
    public let model: Hyperparameters
    /// What trains in each of the blocks.
    public let form: Form
    /// The blocks that train, counted from 0, ascending.
    public let blocks: [Int]
    /// Rows of a trained classifier, nil without one.
    public let classes: Int?
    /// The number of trainable parameters.
    public let count: Int
    /// Adapted layers by block, then in the order of the family; empty for full fine-tuning.
    public let slots: [Slot]
    private let blockCount: Int

    /// - Parameters:
    ///   - blocks: the trainable blocks, counted from 0.
    ///   - classes: rows of a classifier that trains along.
    public init(model: Hyperparameters, blocks: some Sequence<Int>, form: Form, classes: Int? = nil) {
        self.model = model
        self.form = form
        self.blocks = blocks.sorted()
        self.classes = classes
        precondition(self.blocks.allSatisfy { (0..<model.layers).contains($0) }, "the model has such blocks")
        var slots: [Slot] = []
        switch form {
        case .full: blockCount = BlockWeights.count(model)
        case .lowRank(let adapters):
            precondition(adapters.rank > 0, "a rank is positive")
            let sites = model.family.linears(model).filter { adapters.modules.contains($0.module) }
            var offset = 0
            for block in self.blocks {
                for site in sites {
                    slots.append(Slot(block: block, site: site, offset: offset))
                    offset += adapters.rank * (site.inputWidth + site.outputs.count)
                }
            }
            blockCount = offset / max(1, self.blocks.count)
        }
        self.slots = slots
        count = self.blocks.count * blockCount + (classes ?? 0) * model.width
    }

    /// The low-rank form, nil for full fine-tuning.
    public var lowRank: LowRankForm? {
        if case .lowRank(let form) = form { form } else { nil }
    }

    /// Bytes of all parameters; gradients, moments and checkpoints take the same.
    public var bytes: Int { count * MemoryLayout<Float>.stride }

    /// Columns of all low-rank projections of a block side by side.
    var projectedWidth: Int { slots.count / max(1, blocks.count) * (lowRank?.rank ?? 0) }

    /// The joined products of a block that train, or have adapters.
    var learned: Set<JoinedLayer> {
        form == .full ? Set(JoinedLayer.allCases) : Set(slots.map(\.site.layer))
    }

    /// Where a block's weights begin, for full fine-tuning; nil when the block does not train.
    func offset(of block: Int) -> Int? { blocks.firstIndex(of: block).map { $0 * blockCount } }

    /// Where everything lies that trains in consecutive blocks, and a classifier with the model's last one.
    public func range(ofStage stage: Range<Int>) -> Range<Int> {
        let first = blocks.firstIndex { $0 >= stage.lowerBound } ?? blocks.count
        let end = blocks.firstIndex { $0 >= stage.upperBound } ?? blocks.count
        return first * blockCount..<(stage.upperBound == model.layers ? count : end * blockCount)
    }

    /// Where the classifier begins.
    var classifierOffset: Int { blocks.count * blockCount }
}
