/// What passes over frozen blocks and steps cost a worker, so that both together cost what passes on the clock.
///
/// Both run on one pool: n threads run n passes at a time, and a step takes longer while passes run beside it. So a pass
/// costs its time divided by the threads, and a step its time without what passes cost meanwhile. Counted by the clock
/// alone, work beside other work would count twice, and a plan made of it would promise too long a run.
struct SharedTime {
    private let threads: Int
    /// What passes cost that ran while a step did, and that no step's time was lessened by yet.
    private var beside = Duration.zero
    /// The time of all steps that have ended.
    private var steps = Duration.zero
    private var stepBegan: Duration?

    /// - Parameter threads: of the pool, at least 1.
    init(threads: Int) { self.threads = max(1, threads) }

    /// A pass under way.
    struct Pass {
        fileprivate let began: Duration
        fileprivate let steps: Duration
    }

    /// A pass begins.
    ///
    /// - Parameter now: since any fixed moment.
    func beginPass(now: Duration) -> Pass { Pass(began: now, steps: stepTime(now: now)) }

    /// A pass has ended: what it cost.
    mutating func end(_ pass: Pass, now: Duration) -> Duration {
        beside += (stepTime(now: now) - pass.steps) / threads
        return (now - pass.began) / threads
    }

    /// A step begins. There is one at a time.
    mutating func beginStep(now: Duration) { stepBegan = now }

    /// The step has ended: what it cost. A pass that is still under way lessens the next one.
    mutating func endStep(now: Duration) -> Duration {
        guard let began = stepBegan else { return .zero }
        stepBegan = nil
        let time = now - began
        steps += time
        let lessened = min(beside, time)
        beside -= lessened
        return time - lessened
    }

    private func stepTime(now: Duration) -> Duration { steps + (stepBegan.map { now - $0 } ?? .zero) }
}
