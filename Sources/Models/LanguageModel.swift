import Checkpoints
import Tensors

/// A decoder-only model of any family with frozen weights: embedding, blocks, final norm. Shared by all threads, never
/// written to.
///
/// The embedding stays in its file as it is stored: only the rows that are asked for are ever read.
public final class LanguageModel: Sendable {
    /// The sizes and constants of the architecture.
    public let hyperparameters: Hyperparameters
    /// How many of the lowest blocks have their frozen weights in memory, or will have once they are asked for.
    public let loadedBlocks: Int
    /// How frozen weights are kept.
    public let weightType: WeightType
    /// Where the weights come from, and the embedding stays.
    public let source: any ModelSource
    let plan: BlockPlan
    let finalNorm: Norm
    let kernels: Kernels
    private let frozen: FrozenBlocks
    private let angles: RotaryTable?
    private let trunk: Trunk?

    /// When frozen weights are loaded.
    public enum Loading: Sendable {
        /// With the model: on the threads of a pool, which must not be asked by one of its own, or on the calling one.
        case atOnce(ComputePool?)
        /// By `load`, without which nothing else may be asked of a block.
        case whenAsked
    }

    /// Loads and dequantises blocks.
    ///
    /// - Parameters:
    ///   - maximumTokens: the longest sequence that will be run, at most the model's context length.
    ///   - loadedBlocks: how many of the lowest blocks to load; the others must be in training as a whole. Nil for all.
    ///   - forwardOnly: how many of the lowest blocks never run backward, which lets them be faster.
    ///   - weightType: how to keep them.
    ///   - loading: when to load them.
    ///   - prepared: where blocks are taken from, as far as they are whole there, rather than from the source.
    ///   - trunk: blocks below these, taken as part of the embedding.
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    public init(
        source: any ModelSource, maximumTokens: Int, loadedBlocks: Int? = nil, forwardOnly: Int = 0,
        weightType: WeightType = .f32, loading: Loading = .atOnce(nil), prepared: PreparedBlocks? = nil,
        trunk: Trunk? = nil, kernels: Kernels = .best
    ) throws {
        let model = source.hyperparameters, plan = BlockPlan(source.hyperparameters)
        self.source = source
        self.trunk = trunk
        self.plan = plan
        self.kernels = kernels
        self.weightType = weightType
        hyperparameters = model
        self.loadedBlocks = loadedBlocks ?? model.layers
        let frozen = FrozenBlocks(
            plan, count: self.loadedBlocks, source: source, as: weightType, prepared: prepared,
            forwardOnly: forwardOnly)
        self.frozen = frozen
        switch loading {
        case .atOnce(let pool?): _ = try pool.map(pool.threads) { _ in try frozen.load(0..<frozen.count) }
        case .atOnce(nil): try frozen.load(0..<frozen.count)
        case .whenAsked: break
        }
        angles =
            switch model.positions {
            case .learned: nil
            case .rotary(let base, let factors):
                RotaryTable(
                    positions: min(maximumTokens, model.contextLength), headDimension: model.headDimension,
                    base: base, factors: factors)
            }
        let norm = Storage(count: 2 * model.width).matrix(rows: 2, columns: model.width)
        let hasBias = model.normalisation == .layer
        finalNorm = Norm(
            weight_D: norm.rows(0..<1), bias_D: hasBias ? norm.rows(1..<2) : nil, epsilon: model.normEpsilon)
        try source.read("\(model.family.names.finalNorm).weight", into: finalNorm.weight_D)
        if let bias_D = finalNorm.bias_D { try source.read("\(model.family.names.finalNorm).bias", into: bias_D) }
        source.releasePages()
    }

    /// Every weight of the model, embeddings and norms included.
    public var parameterCount: Int {
        let sizes = hyperparameters
        var rows = (sizes.tiedEmbeddings ? 1 : 2) * sizes.vocabularySize
        if case .learned(let offset) = sizes.positions { rows += sizes.contextLength + offset }
        let norm = sizes.width * (sizes.normalisation == .layer ? 2 : 1)
        return rows * sizes.width + sizes.layers * BlockWeights.count(sizes) + norm
    }

    /// Loads those of the lowest blocks that are not loaded yet. Threads that ask at the same time share the work.
    ///
    /// - Parameter blocks: at most `loadedBlocks`.
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    public func load(_ blocks: Int) throws { try frozen.load(0..<blocks) }

    /// Bytes that the model keeps: the loaded blocks, the table of rotations and the final norm. While it loads, one block
    /// for each thread lies in memory three times more at most: as it is stored, as floats, and where files store the
    /// transpose, once more.
    public static func bytes(
        _ model: Hyperparameters, maximumTokens: Int, loadedBlocks: Int, weightType: WeightType
    ) -> Int {
        let angles =
            switch model.positions {
            case .learned: 0
            case .rotary: min(maximumTokens, model.contextLength) * model.headDimension
            }
        let blocks = loadedBlocks * BlockWeights.count(model, as: weightType)
        return (blocks + angles + 2 * model.width) * MemoryLayout<Float>.stride
    }

    /// One block, frozen or with what trains in it.
    ///
    /// - Parameter parameters: nil for the model as it is.
    public func block(_ index: Int, parameters: TrainableParameters? = nil) -> DecoderBlock {
        let trained = parameters?.block(index)
        let weights: BlockWeights
        if case .full(let own) = trained { weights = own } else { weights = frozen[index] }
        return DecoderBlock(
            index: index, plan: plan, weights: weights, parameters: trained, angles: angles, kernels: kernels)
    }

    /// Writes the embeddings of packed tokens: those of the tokens, and of their positions where the family learns them;
    /// what comes out of the trunk where there is one, whose sequences begin at position 0.
    ///
    /// - Throws: what the source throws for a token outside the vocabulary or a position outside the context.
    public func embed(_ tokens: [Int32], layout: SequenceLayout, into x_TD: Matrix) throws {
        if let trunk { return try trunk.embed(tokens, layout: layout, into: x_TD) }
        let names = hyperparameters.family.names
        try source.readRows(tokens.map(Int.init), of: "\(names.embedding).weight", into: x_TD)
        guard case .learned(let offset) = hyperparameters.positions, let table = names.positions else { return }
        let positions_TD = Storage(count: x_TD.count).matrix(rows: x_TD.rows, columns: x_TD.columns)
        try source.readRows(layout.positions.map { Int($0) + offset }, of: "\(table).weight", into: positions_TD)
        kernels.add(positions_TD, to: x_TD)
    }

    /// Runs blocks as they are, or with what trains in them, and keeps nothing.
    ///
    /// - Parameters:
    ///   - x_TD: the residual stream, replaced by the last block's output.
    ///   - rows: the tokens of which that is wanted, ascending; nil for all. They take the first rows.
    ///   - scratch: reset by this call.
    public func forward(
        _ range: Range<Int>, _ x_TD: Matrix, layout: SequenceLayout, reading rows: [Int]? = nil,
        parameters: TrainableParameters? = nil, scratch: Arena
    ) {
        if range.isEmpty, let rows { x_TD.gather(rows) }
        for index in range {
            block(index, parameters: parameters)
                .pass(x_TD, layout: layout, reading: index == range.upperBound - 1 ? rows : nil, scratch: scratch)
            scratch.reset()
        }
    }

    /// The last tokens' logits over the whole vocabulary after new tokens of some sequences: [sequences, vocabulary].
    ///
    /// - Parameters:
    ///   - tokens: new tokens, one list for each active sequence of the cache.
    ///   - scratch: reset by this call; the result lies in it until its next use.
    /// - Throws: what the source throws for a token outside the vocabulary.
    public func nextTokenLogits(
        _ tokens: [[Int32]], cache: KeyValueCache, parameters: TrainableParameters?, head: OutputHead,
        scratch: Arena
    ) throws -> Matrix {
        let layout = SequenceLayout(
            lengths: tokens.map(\.count), startingAt: cache.active.map { cache.lengths[$0] })
        let stream = Storage(count: layout.tokens * hyperparameters.width)
        let x_TD = stream.matrix(rows: layout.tokens, columns: hyperparameters.width)
        try embed(tokens.flatMap { $0 }, layout: layout, into: x_TD)
        let rows = layout.rows(ofLast: tokens.map { _ in 1 })
        for index in 0..<hyperparameters.layers {
            block(index, parameters: parameters)
                .pass(
                    x_TD, layout: layout, reading: index == hyperparameters.layers - 1 ? rows : nil, cache: cache,
                    scratch: scratch)
            scratch.reset()
        }
        cache.advance(tokens.map(\.count))
        return head.lastLogits(x_TD.rows(0..<layout.count), arena: scratch)
    }

    /// Reads rows of the output head, which a tied model shares with the embedding.
    ///
    /// - Throws: what the source throws for a row outside the vocabulary.
    func headRows(_ rows: [Int]) throws -> Matrix {
        let names = hyperparameters.family.names
        let weights_KD = Storage(count: rows.count * hyperparameters.width)
            .matrix(rows: rows.count, columns: hyperparameters.width)
        let table = hyperparameters.tiedEmbeddings ? names.embedding : names.head
        try source.readRows(rows, of: "\(table).weight", into: weights_KD)
        return weights_KD
    }
}
