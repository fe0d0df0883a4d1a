import Checkpoints
import Methods
import Models

/// Floating-point operations of what a program has computed, by shape (`PassCosts`).
///
/// Drawing directions, moving parameters and averaging them are no products and not counted.
public struct WorkCosts: Sendable {
    private let model: Hyperparameters
    private let trained: Set<Int>
    private let lowest: Int?
    private let isFull: Bool
    private let rank: Int
    private let targets: Set<String>
    private let outputs: Int
    private let isOrthogonal: Bool

    /// - Parameters:
    ///   - layout: what trains on this side; nil where nothing does.
    ///   - outputs: logits of each target.
    ///   - givesInputGradient: whether somebody below wants the gradient of the lowest block's input.
    ///   - isOrthogonal: whether factors are kept near-orthogonal, once an update.
    public init(
        model: Hyperparameters, layout: TrainableLayout?, outputs: Int, givesInputGradient: Bool = false,
        isOrthogonal: Bool = false
    ) {
        self.model = model
        self.outputs = outputs
        self.isOrthogonal = isOrthogonal
        trained = Set(layout?.blocks ?? [])
        lowest = givesInputGradient ? nil : layout?.blocks.first
        isFull = layout?.form == .full
        rank = layout?.lowRank?.rank ?? 0
        let modules = layout?.lowRank?.modules ?? []
        targets = Set(model.family.linears(model).filter { modules.contains($0.module) }.map(\.target))
    }

    /// Operations of some work.
    public func flops(_ work: MethodWork) -> Double {
        switch work.kind {
        case .perturbation: 0
        case .update: isOrthogonal ? Double(trained.count) * passes(1).orthogonality : 0
        case .forward: blocks(work, forward) - unreadForward(work) + head(work)
        case .backward: blocks(work, backward) - unreadBackward(work) + head(work)
        }
    }

    /// Operations of a forward pass of some sequences through blocks, or of F, B and W where they train.
    private func blocks(_ work: MethodWork, _ cost: (PassCosts, Int) -> Double) -> Double {
        work.lengths.reduce(0) { sum, tokens in
            let passes = passes(tokens)
            return sum + work.blocks.reduce(0) { $0 + cost(passes, $1) }
        }
    }

    private func forward(_ passes: PassCosts, _ block: Int) -> Double {
        trained.contains(block) ? passes.forward : passes.frozenForward
    }

    private func backward(_ passes: PassCosts, _ block: Int) -> Double {
        (block == lowest ? passes.lowestBackwardInput : passes.backwardInput)
            + (isFull ? passes.fullBackwardWeights : passes.backwardWeights)
    }

    /// What the last block does not compute in F, where the head reads few of its tokens.
    private func unreadForward(_ work: MethodWork) -> Double {
        let unread = unread(work)
        return unread.linears + (trained.contains(model.layers - 1) ? unread.adapters : 0)
    }

    /// The same in B and W.
    private func unreadBackward(_ work: MethodWork) -> Double {
        let unread = unread(work)
        return unread.linears + unread.adapters + (isFull ? unread.linears : unread.adapters)
    }

    private func unread(_ work: MethodWork) -> (linears: Double, adapters: Double) {
        guard work.targets > 0, work.blocks.contains(model.layers - 1) else { return (0, 0) }
        return passes(work.lengths.reduce(0, +)).unread(work.targets)
    }

    private func head(_ work: MethodWork) -> Double { passes(1).head(targets: work.targets, outputs: outputs) }

    private func passes(_ tokens: Int) -> PassCosts {
        PassCosts(model: model, tokens: tokens, rank: rank, targets: targets)
    }
}
