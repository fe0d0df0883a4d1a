/// When a connection counts as lost, and how soon it is tried again.
public struct ConnectionTiming: Sendable, Equatable {
    /// How often ZeroMQ asks the other side for a sign of life.
    public var heartbeatInterval = Duration.seconds(2)

    /// How long it waits for that sign. No time to live is stated with it: by that the other side would cut off whoever is
    /// busy sending one frame for longer.
    public var heartbeatTimeout = Duration.seconds(10)

    /// How long a connection attempt may take.
    public var connectTimeout = Duration.seconds(5)

    /// How long the handshake may take on an open connection.
    public var handshakeTimeout = Duration.seconds(10)

    /// Behind a gateway, an attempt of which nothing at all is heard for longer is begun anew, with another socket. More than
    /// the longest wait before an attempt, and what the attempt may take.
    public var attemptTimeout = Duration.seconds(60)

    /// The wait before the first new attempt; each further one waits twice as long.
    public var firstReconnect = Duration.milliseconds(100)

    /// The longest wait between attempts.
    public var longestReconnect = Duration.seconds(10)

    /// Bytes that the system may hold on their way out; nil leaves it to the system. A heartbeat stands in line behind
    /// them, so that on a slow uplink a large buffer alone would outlast the time-out: this one drains at 50 kB/s.
    public var sendBufferBytes: Int?

    /// For a side that connects.
    public static let link = {
        var timing = ConnectionTiming()
        timing.sendBufferBytes = 256 << 10
        return timing
    }()

    /// For a side that binds. A peer answers a heartbeat only behind the frame that it is sending, which on a slow uplink
    /// takes longer than any quick time-out; who has gone is known from its silence in the protocol, long before.
    public static let listener = {
        var timing = ConnectionTiming()
        timing.heartbeatTimeout = .seconds(120)
        return timing
    }()

    /// The usual times.
    public init() {}
}
