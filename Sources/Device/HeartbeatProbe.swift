/// The heartbeats of a device to its worker: one on its way at a time, each followed by the next after the interval.
///
/// Its answer proves that everything sent before it has arrived, and gives the time there and back.
struct HeartbeatProbe {
    private let interval: Duration
    private let timeout: Duration
    private var pending: Duration?
    private var nextAt = Duration.zero

    /// From sending the latest answered heartbeat to its answer.
    private(set) var roundTrip: Duration?

    /// - Parameters:
    ///   - interval: between two heartbeats.
    ///   - timeout: after which a heartbeat without an answer counts as lost.
    init(interval: Duration, timeout: Duration) {
        self.interval = interval
        self.timeout = timeout
    }

    /// When the next heartbeat is due.
    var due: Duration { pending.map { max($0 + timeout, nextAt) } ?? nextAt }

    /// A heartbeat was sent.
    mutating func sent(now: Duration) {
        pending = now
        nextAt = now + interval
    }

    /// An answer came.
    ///
    /// - Parameter time: the time that it states, in nanoseconds.
    /// - Returns: when the heartbeat was sent; nil when the answer is to none that is waited for.
    mutating func answered(time: UInt64, now: Duration) -> Duration? {
        guard let sent = pending, sent.nanoseconds == time else { return nil }
        pending = nil
        roundTrip = now - sent
        return sent
    }

    /// The connection is another one: what was on its way is lost.
    mutating func restart() { pending = nil }
}
