import Checkpoints

/// Floating-point operations of one sample's passes, counted by shape: two for each multiply-add of a matrix product.
/// Norms, activations, softmax, biases, residuals and the lookup of embeddings are no products and not counted.
///
/// With n tokens, the sum P of inputs × outputs of a block's linear layers, and the width q of all query heads, a block
/// takes forward 2nP + 4n²q, for the gradient of its input (B) 2nP + 8n²q, and for that of its weights (W) 2nP. For
/// GPT-2, with P = 12h² and q = h, these are n(24h² + 4nh), n(24h² + 8nh) and 24nh² (arXiv 2401.10241, table 1).
/// Attention counts all pairs of tokens, as the source does; a causal kernel may skip half of them.
///
/// An adapter of rank r beside a layer of I inputs and O outputs adds 2nr(I + O) to each of forward, B and W (Hu et al.,
/// 2021; decomposed as in `LowRankTerm`).
public struct PassCosts: Sendable {
    /// The model's sizes.
    public let model: Hyperparameters
    /// Tokens of the sample.
    public let tokens: Int
    /// The adapters' rank.
    public let rank: Int
    private let sites: [LinearSite]
    private let adapted: [LinearSite]

    /// - Parameter targets: the layers with adapters, as recipes name them, such as `q` or `c_attn`.
    public init(model: Hyperparameters, tokens: Int, rank: Int, targets: Set<String>) {
        self.model = model
        self.tokens = tokens
        self.rank = rank
        sites = model.family.linears(model)
        adapted = sites.filter { targets.contains($0.target) }
    }

    /// F of a block without adapters: also F0.
    public var frozenForward: Double { linears(sites) + attention(products: 2) }

    /// F of a block with adapters.
    public var forward: Double { frozenForward + adapters(adapted) }

    /// B of a block with adapters.
    public var backwardInput: Double { linears(sites) + attention(products: 4) + adapters(adapted) }

    /// B of the lowest block that trains: nothing wants the gradient of its input, nor of what its first product reads.
    public var lowestBackwardInput: Double {
        let isFirst = { (site: LinearSite) in site.layer == .queryKeyValue }
        let spared = adapted.filter(isFirst).reduce(0) { $0 + 2 * n * Double(rank) * Double($1.inputWidth) }
        return backwardInput - linears(sites.filter(isFirst)) - spared
    }

    /// W of a block whose adapters train.
    public var backwardWeights: Double { adapters(adapted) }

    /// W of a block that trains in full.
    public var fullBackwardWeights: Double { linears(sites) }

    /// What the last block spares behind its attention, where only the tokens that the head reads go on: operations of the
    /// layers, and of their adapters, in F as in B. W spares those of what trains.
    ///
    /// - Parameter read: tokens of the sample that the head reads.
    public func unread(_ read: Int) -> (linears: Double, adapters: Double) {
        let isBehind = { (site: LinearSite) in site.layer != .queryKeyValue }
        let share = Double(max(0, tokens - read)) / max(1, n)
        return (share * linears(sites.filter(isBehind)), share * adapters(adapted.filter(isBehind)))
    }

    /// The output head's logits, and as much again for the gradient of its input.
    ///
    /// - Parameters:
    ///   - targets: tokens of the sample that predict something.
    ///   - outputs: K, the logits of each.
    public func head(targets: Int, outputs: Int) -> Double {
        2 * Double(targets) * Double(model.width) * Double(outputs)
    }

    /// F of so many blocks, all with adapters.
    ///
    /// - Parameter read: where the model's last block is among them, tokens that the head reads.
    public func forward(blocks: Int, read: Int? = nil) -> Double {
        guard blocks > 0 else { return 0 }
        let unread = unread(read ?? tokens)
        return Double(blocks) * forward - unread.linears - unread.adapters
    }

    /// F, B and W of so many blocks with adapters.
    ///
    /// - Parameters:
    ///   - needsInputGradient: whether something below the lowest one trains.
    ///   - read: where the model's last block is among them, tokens that the head reads.
    public func training(blocks: Int, needsInputGradient: Bool, read: Int? = nil) -> Double {
        guard blocks > 0 else { return 0 }
        let spared = needsInputGradient ? 0 : backwardInput - lowestBackwardInput
        let unread = unread(read ?? tokens)
        return Double(blocks) * (forward + backwardInput + backwardWeights) - spared
            - 2 * unread.linears - 3 * unread.adapters
    }

    /// The gradient of λ(‖offdiag(BᵀB)‖² + ‖offdiag(AAᵀ)‖²) for a block's adapters: for each two products with r × r.
    public var orthogonality: Double {
        adapted.reduce(0) { $0 + 4 * Double(rank * rank) * Double($1.inputWidth + $1.outputs.count) }
    }

    /// Parameters of a block's adapters.
    public var adapterParameters: Int { pairParameters * rank }

    /// Parameters of one pair, a column of B and a row of A, of every adapter of a block.
    public var pairParameters: Int { adapted.reduce(0) { $0 + $1.inputWidth + $1.outputs.count } }

    /// Layers of a block that have adapters.
    public var adaptedLayers: Int { adapted.count }

    private var n: Double { Double(tokens) }

    private func linears(_ sites: [LinearSite]) -> Double {
        sites.reduce(0) { $0 + 2 * n * Double($1.inputWidth) * Double($1.outputs.count) }
    }

    /// So many products of n × n with the heads' widths.
    private func attention(products: Double) -> Double { products * 2 * n * n * Double(model.queryWidth) }

    private func adapters(_ sites: [LinearSite]) -> Double {
        sites.reduce(0) { $0 + 2 * n * Double(rank) * Double($1.inputWidth + $1.outputs.count) }
    }
}
