/// When a connected side that hears nothing introduces itself again: after the limit, then after growing waits.
///
/// Times are measured from any fixed moment; the caller holds the clock.
struct SilenceWatch {
    private let limit: Duration
    private var backoff: Backoff
    private var quietSince: Duration?

    init(limit: Duration, backoff: Backoff = Backoff()) {
        self.limit = limit
        self.backoff = backoff
    }

    /// When the next introduction is due; nil without a connection.
    var due: Duration? { backoff.due ?? quietSince.map { $0 + limit } }

    /// The connection was made, or something was heard.
    mutating func heard(now: Duration) {
        quietSince = now
        backoff.reset()
    }

    /// There is no connection: nothing can be heard.
    mutating func disconnected() {
        quietSince = nil
        backoff.reset()
    }

    /// Whether an introduction is due; then it counts as made.
    mutating func isDue(now: Duration) -> Bool {
        guard let due, due <= now else { return false }
        backoff.cancel()
        backoff.plan(now: now)
        return true
    }
}
