import Queueing
import Tensors

/// F0 of some samples of the store under way, a block at a time.
///
/// Unchecked, because one piece of a job ends before the next one begins.
final class FrozenPass: @unchecked Sendable {
    /// What is known of the samples, in their order; nothing of a pass that could not begin.
    let known: [StoredSample]
    let activations: Storage
    /// Of the samples, one after another: [tokens, width].
    let x_TD: Matrix
    let begin = ContinuousClock.now
    /// Beside everything else, without the time in which something else came first.
    var cost = Duration.zero
    var duration = Duration.zero

    init(_ known: [StoredSample], width: Int) {
        self.known = known
        let tokens = known.reduce(0) { $0 + $1.rows }
        activations = Storage(count: tokens * width)
        x_TD = activations.matrix(rows: tokens, columns: width)
    }

    var lengths: [Int] { known.map(\.rows) }
}
