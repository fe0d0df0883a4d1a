/// The heartbeats of a device to its worker: one at a time, followed by the next after the interval, or after the
/// time-out when no answer came: behind many payloads on a slow link.
///
/// An answer proves that everything sent before the heartbeat has arrived, and gives the time there and back.
struct HeartbeatProbe {
    private let interval: Duration
    private let timeout: Duration
    /// When those without an answer were sent.
    private var unanswered: [Duration] = []
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
    var due: Duration { unanswered.last.map { max($0 + timeout, nextAt) } ?? nextAt }

    /// A heartbeat was sent.
    mutating func sent(now: Duration) {
        unanswered.append(now)
        nextAt = now + interval
    }

    /// An answer came.
    ///
    /// - Parameter time: the time that it states, in nanoseconds.
    /// - Returns: when the heartbeat was sent; nil when the answer is to none of them.
    mutating func answered(time: UInt64, now: Duration) -> Duration? {
        guard let index = unanswered.firstIndex(where: { $0.nanoseconds == time }) else { return nil }
        let sent = unanswered[index]
        unanswered.removeSubrange(...index)
        roundTrip = now - sent
        return sent
    }

    /// The connection is another one: what was on its way is lost.
    mutating func restart() { unanswered = [] }
}
