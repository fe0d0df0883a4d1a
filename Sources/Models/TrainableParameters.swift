import Checkpoints
import Randomness
import Tensors

/// Everything that trains, or anything of the same shape: its gradients or an optimizer's moments.
public final class TrainableParameters: Sendable {
    /// What there is, and where.
    public let layout: TrainableLayout
    private let storage: Storage
    private let plan: BlockPlan
    private let parametersByBlock: [BlockParameters?]

    /// Zeros.
    public init(layout: TrainableLayout) {
        self.layout = layout
        let storage = Storage(count: layout.count), plan = BlockPlan(layout.model)
        self.storage = storage
        self.plan = plan
        parametersByBlock = (0..<layout.model.layers).map { block in
            guard let offset = layout.offset(of: block) else { return nil }
            switch layout.form {
            case .full: return .full(BlockWeights(plan, in: storage, at: offset))
            case .lowRank(let form):
                let terms = plan.sites.map { site in
                    layout.slots.first { $0.block == block && $0.site == site }
                        .map { Self.term($0, form, in: storage) }
                }
                return .lowRank(BlockAdapters(terms, rank: form.rank))
            }
        }
    }

    /// Everything as one row.
    public var flat: Matrix { storage.matrix(rows: 1, columns: layout.count) }

    /// What trains in a block, nil for a frozen one.
    public func block(_ block: Int) -> BlockParameters? { parametersByBlock[block] }

    /// The two factors of one adapted layer.
    public func term(_ slot: TrainableLayout.Slot) -> LowRankTerm {
        guard let form = layout.lowRank else { preconditionFailure("a slot belongs to a low-rank layout") }
        return Self.term(slot, form, in: storage)
    }

    /// The classifier's weights, [classes, width].
    public var classifier_KD: Matrix? {
        layout.classes.map {
            storage.matrix(rows: $0, columns: layout.model.width, at: layout.classifierOffset)
        }
    }

    private static func term(
        _ slot: TrainableLayout.Slot, _ form: LowRankForm, in storage: Storage
    ) -> LowRankTerm {
        let a_RI = storage.matrix(rows: form.rank, columns: slot.site.inputWidth, at: slot.offset)
        let b_OR = storage.matrix(rows: slot.site.outputs.count, columns: form.rank, at: slot.offset + a_RI.count)
        return LowRankTerm(a_RI: a_RI, b_OR: b_OR, scale: form.scale)
    }
}

extension TrainableParameters {
    /// What training begins with. Low-rank factors as in PEFT: A uniform in ±1/√inputs (Kaiming uniform with a = √5), B
    /// zero, so that the model starts unchanged; weights as the model has them; a classifier from N(0, 0.02²), the
    /// reference implementation's start.
    ///
    /// - Throws: what the model's source throws when weights cannot be read.
    public convenience init(layout: TrainableLayout, model: LanguageModel, seed: UInt64) throws {
        self.init(layout: layout)
        for slot in layout.slots {
            var generator = SeededGenerator(seed: seed, stream: "adapter/\(slot.block)/\(slot.site.module)")
            let bound = 1 / Double(slot.site.inputWidth).squareRoot()
            let a = term(slot).a_RI
            for i in 0..<a.count { a.base[i] = Float((2 * generator.uniform() - 1) * bound) }
        }
        try readWeights(from: model.source)
        model.source.releasePages()
        if let classifier_KD {
            var generator = SeededGenerator(seed: seed, stream: "classifier")
            for i in 0..<classifier_KD.count { classifier_KD.base[i] = Float(0.02 * generator.normal()) }
        }
    }

    /// Weights of full fine-tuning out of a source, such as a model with the weights of an earlier run laid over it.
    ///
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    public func readWeights(from source: any ModelSource) throws {
        for block in layout.blocks {
            if case .full(let weights) = self.block(block) {
                try weights.read(plan, block: block, from: source)
                // At once, as for frozen blocks.
                source.releasePages()
            }
        }
    }

    /// A tensor in training under its hub name, as files store it.
    public struct NamedTensor {
        /// The name in hub files.
        public let name: String
        /// Dimensions in files, outermost first.
        public let shape: [Int]
        private let trained: Matrix
        private let isStoredTransposed: Bool

        fileprivate init(_ tensor: BlockWeights.Named) {
            name = tensor.name
            trained = tensor.matrix
            isStoredTransposed = tensor.isStoredTransposed
            let (rows, columns) = (trained.rows, trained.columns)
            let isVector = name.hasSuffix(".bias") || rows == 1
            shape = isVector ? [columns] : isStoredTransposed ? [columns, rows] : [rows, columns]
        }

        /// The values in the order of files; a new copy at each use where files store the transpose.
        public var matrix: Matrix { isStoredTransposed ? trained.transposedCopy() : trained }
    }

    /// The weights of full fine-tuning, as hub files name and store them.
    public var hubTensors: [NamedTensor] {
        layout.blocks.flatMap { block -> [NamedTensor] in
            guard case .full(let weights) = self.block(block) else { return [] }
            return weights.named(plan, block: block).map(NamedTensor.init)
        }
    }
}

/// What trains in one block, or the gradients of it.
public enum BlockParameters: Sendable {
    /// Adapters beside linear layers.
    case lowRank(BlockAdapters)
    /// Every weight of the block.
    case full(BlockWeights)

    /// Columns of all low-rank projections side by side.
    var projectedWidth: Int {
        if case .lowRank(let adapters) = self { adapters.projectedWidth } else { 0 }
    }

    var trainsNorms: Bool {
        if case .full = self { true } else { false }
    }

    /// The joined products that train, or have adapters.
    func learned(_ plan: BlockPlan) -> Set<JoinedLayer> {
        switch self {
        case .full: Set(JoinedLayer.allCases)
        case .lowRank(let adapters):
            Set(plan.sites.indices.filter { adapters.bySite[$0] != nil }.map { plan.sites[$0].layer })
        }
    }

    /// The adapter of a linear layer, by its place among the family's.
    func lowRank(_ site: Int) -> BlockAdapters.Adapter? {
        if case .lowRank(let adapters) = self { adapters.bySite[site] } else { nil }
    }
}

/// The adapters of one block, by the linear layer that they stand beside.
public struct BlockAdapters: Sendable {
    struct Adapter: Sendable {
        let term: LowRankTerm
        /// The columns of this adapter among the block's low-rank projections.
        let projection: Range<Int>
    }

    let bySite: [Adapter?]
    let projectedWidth: Int

    init(_ terms: [LowRankTerm?], rank: Int) {
        var width = 0
        bySite = terms.map { term in
            term.map {
                defer { width += rank }
                return Adapter(term: $0, projection: width..<width + rank)
            }
        }
        projectedWidth = width
    }
}
