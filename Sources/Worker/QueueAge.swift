/// For how long the oldest of the samples that wait has waited: pure.
///
/// Samples are taken to be used in the order in which they came to wait, so that a few numbers are enough, however many
/// samples there are. With an epoch all samples begin to wait anew.
struct QueueAge {
    /// Moments that are remembered; of more, every other one is forgotten.
    private static let most = 1024

    private struct Moment {
        let time: Duration
        /// Samples that have begun to wait so far.
        let entered: Int
    }

    private var moments: [Moment] = []
    private var used = 0

    /// What is known now.
    ///
    /// - Parameters:
    ///   - waiting: samples that no step of the epoch has used.
    ///   - used: samples of all steps so far.
    mutating func update(waiting: Int, used: Int, now: Duration) {
        self.used = used
        let entered = used + waiting
        moments.removeAll { $0.entered <= used }
        if entered > moments.last?.entered ?? used { moments.append(Moment(time: now, entered: entered)) }
        guard moments.count > Self.most else { return }
        moments = moments.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
    }

    /// Zero when none waits.
    func oldest(now: Duration) -> Duration { moments.first.map { now - $0.time } ?? .zero }
}
