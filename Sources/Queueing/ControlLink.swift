import Wire

/// A role's line to its coordinator: reports out, orders in, and heartbeats while there is nothing to report.
///
/// Like its socket it stays on one thread.
public final class ControlLink {
    /// The socket underneath, for polling.
    public var socket: Socket { channel.socket }

    private let channel: Channel
    private let heartbeatInterval: Duration
    private let clock = RoleClock()
    private var lastSent = Duration.zero

    /// A line to the coordinator at an endpoint, which need not be there yet.
    ///
    /// - Throws: `TransportError`.
    public init(
        context: ZeroMQContext, run: String, sender: String, endpoint: String, heartbeatInterval: Duration
    ) throws(TransportError) {
        // Without a high-water mark: a coordinator that reads late must not lose a report.
        channel = try Channel(.dealer, context: context, run: run, sender: sender, highWaterMark: 0)
        self.heartbeatInterval = heartbeatInterval
        try channel.socket.connect(endpoint)
    }

    /// Reports something.
    ///
    /// - Throws: `TransportError`.
    public func tell(_ body: Body) throws(TransportError) {
        try channel.send(body)
        lastSent = clock.now
    }

    /// The next order, or nil when none is waiting. What cannot be read is not from this run's coordinator.
    ///
    /// - Throws: `TransportError`.
    public func order() throws(TransportError) -> Body? {
        while let received = try channel.receive() {
            if case .message(let envelope, _, _) = received { return envelope.body }
        }
        return nil
    }

    /// How long a loop may wait before a heartbeat is due.
    public var untilHeartbeat: Duration { lastSent + heartbeatInterval - clock.now }

    /// Sends a heartbeat when nothing else was sent for the interval.
    ///
    /// - Throws: `TransportError`.
    public func keepAlive() throws(TransportError) {
        if untilHeartbeat <= .zero { try tell(.heartbeat(time: clock.now.nanoseconds)) }
    }

    /// Does a role's work. What it throws is told to the coordinator first.
    public func reportingFailure<Result>(of work: () throws -> Result) throws -> Result {
        do {
            return try work()
        } catch {
            _ = try? tell(.failure(Body.Failure(error)))
            throw error
        }
    }
}

extension Duration {
    /// Whole milliseconds to wait for, rounded up and never negative.
    public var pollMilliseconds: Int { max(0, Int((seconds * 1000).rounded(.up))) }
}
