import Models
import Tensors

/// Adapters of another rank that compute the same, or what is left of it.
extension TrainableLayout {
    /// The same layers with another rank and the same scale, so that factors can be moved between both as they are.
    public func withRank(_ rank: Int) -> TrainableLayout {
        guard var form = lowRank else { return self }
        let ratio = Double(rank) / Double(form.rank)
        form.alpha *= form.isRankStabilised ? ratio.squareRoot() : ratio
        form.rank = rank
        return TrainableLayout(model: model, blocks: blocks, form: .lowRank(form), classes: classes)
    }
}

extension TrainableParameters {
    /// Adapters of another rank. A smaller one keeps the first rows of A and columns of B; in a larger one the others are
    /// zero, which leaves BA as it is.
    public func withRank(_ rank: Int) -> TrainableParameters {
        let other = TrainableParameters(layout: layout.withRank(rank))
        for (from, to) in zip(layout.slots, other.layout.slots) {
            let (source, target) = (term(from), other.term(to))
            let kept = 0..<min(source.a_RI.rows, target.a_RI.rows)
            target.a_RI.rows(kept).copy(from: source.a_RI.rows(kept))
            target.b_OR.columns(kept).copy(from: source.b_OR.columns(kept))
        }
        if let from = classifier_KD, let to = other.classifier_KD { to.copy(from: from) }
        return other
    }
}
