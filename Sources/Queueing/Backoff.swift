import Randomness

/// When to try something again: after waits that double, each with jitter, so that many do not come at once.
///
/// Times are measured from any fixed moment; the caller holds the clock.
public struct Backoff: Sendable {
    /// When the next attempt is due; nil when none is planned.
    public private(set) var due: Duration?

    private let first: Duration
    private let longest: Duration
    private let jitter: Double
    private var generator: SeededGenerator
    private var wait: Duration

    /// - Parameters:
    ///   - first: the first wait.
    ///   - longest: no wait is longer, without its jitter.
    ///   - jitter: the part of a wait that chance adds or takes at most, from 0 to 1.
    public init(
        first: Duration = .seconds(1), longest: Duration = .seconds(30), jitter: Double = 0.5,
        seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.first = first
        self.longest = longest
        self.jitter = jitter
        wait = first
        generator = SeededGenerator(seed: seed, stream: "backoff")
    }

    /// Plans the next attempt, unless one is planned.
    public mutating func plan(now: Duration) {
        guard due == nil else { return }
        due = now + wait * (1 + jitter * (2 * generator.uniform() - 1))
        wait = min(wait * 2, longest)
    }

    /// Whether an attempt is due; then it counts as made, and the next one waits longer.
    public mutating func isDue(now: Duration) -> Bool {
        guard let due, due <= now else { return false }
        self.due = nil
        return true
    }

    /// It is not needed any more: the next wait is the first again.
    public mutating func reset() {
        cancel()
        wait = first
    }

    /// The planned attempt is not needed, for another one is under way.
    public mutating func cancel() { due = nil }
}
