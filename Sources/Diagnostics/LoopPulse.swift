import Synchronization

/// Tells whether a role's loop still turns: the loop beats, others look.
public final class LoopPulse: Sendable {
    /// A loop turns more often than this, whatever it waits for.
    public static let limit = Duration.seconds(60)

    private let last = Mutex<ContinuousClock.Instant?>(nil)

    /// A loop that has not begun.
    public init() {}

    /// The loop has turned once.
    public func beat(now: ContinuousClock.Instant = .now) { last.withLock { $0 = now } }

    /// The loop has ended, or something else goes on that takes its time.
    public func rest() { last.withLock { $0 = nil } }

    /// For how long the loop has not turned, if that is too long.
    public func silence(now: ContinuousClock.Instant = .now) -> Duration? {
        guard let last = last.withLock({ $0 }), case let silence = now - last, silence > Self.limit else { return nil }
        return silence
    }
}
