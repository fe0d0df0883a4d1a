/// What a stage keeps, counted in micro-batches, and the most that it keeps when it walks its list alone.
///
/// Where several threads do operations of one stage, the next one begins before the last one has ended. It may as long as
/// what lies there, and what those under way still hold, is no more than at some moment of the list: so the bound that was
/// proven of the list holds for them too.
struct StashBook {
    private struct Count {
        /// Between F and B, and between B and W of a fused backward pass.
        var activations = 0
        /// Between B and W, where at least as much lies as before.
        var gradients = 0

        func isWithin(_ other: Count) -> Bool {
            gradients <= other.gradients && activations + gradients <= other.activations + other.gradients
        }
    }

    private let fusesBackward: Bool
    private var count = Count()
    private var moments: [Count] = []

    /// - Parameter list: F, B and W of the stage, in order.
    init(_ list: [StageOperation], fusesBackward: Bool) {
        self.fusesBackward = fusesBackward
        var alone = Count()
        for operation in list {
            change(&alone, atBeginOf: operation.kind)
            if !moments.contains(where: alone.isWithin) {
                moments.removeAll { $0.isWithin(alone) }
                moments.append(alone)
            }
            change(&alone, atEndOf: operation.kind)
        }
    }

    /// Whether an operation may begin.
    func hasRoom(for kind: StageOperation.Kind) -> Bool {
        var next = count
        change(&next, atBeginOf: kind)
        return kind == .backwardWeights || moments.contains(where: next.isWithin)
    }

    mutating func began(_ kind: StageOperation.Kind) { change(&count, atBeginOf: kind) }

    mutating func ended(_ kind: StageOperation.Kind) { change(&count, atEndOf: kind) }

    private func change(_ count: inout Count, atBeginOf kind: StageOperation.Kind) {
        if kind == .forward { count.activations += 1 }
        if kind == .backwardInput, !fusesBackward {
            count.activations -= 1
            count.gradients += 1
        }
    }

    private func change(_ count: inout Count, atEndOf kind: StageOperation.Kind) {
        guard kind == .backwardWeights else { return }
        if fusesBackward { count.activations -= 1 } else { count.gradients -= 1 }
    }
}
