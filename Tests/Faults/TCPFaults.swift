/// What a `TCPFaultProxy` does to connections. The defaults leave them as they are.
public struct TCPFaults: Sendable, Equatable {
    /// A way through the proxy.
    public enum Direction: Sendable, CaseIterable {
        case toUpstream
        case fromUpstream
    }

    /// Every byte arrives later by this.
    public var delay = Duration.zero

    /// Bytes per second of each connection and direction; nil is no limit.
    public var bytesPerSecond: Int?

    /// The same on the way from upstream; nil is as fast as the other way.
    public var bytesPerSecondFromUpstream: Int?

    /// Ways on which nothing is taken any more: a connection that is half open. What was sent meanwhile goes on when this
    /// ends.
    public var stopped: Set<Direction> = []

    /// New connections are accepted, what comes by any is thrown away, and nobody is told of an end. A connection that was
    /// swallowed stays so.
    public var isBlackHole = false

    /// Nobody listens: connection attempts are refused by the system.
    public var refuses = false

    /// New connections are reset as soon as they are made.
    public var resetsNewConnections = false

    /// The rate of a way.
    func bytesPerSecond(_ direction: Direction) -> Int? {
        switch direction {
        case .toUpstream: bytesPerSecond
        case .fromUpstream: bytesPerSecondFromUpstream ?? bytesPerSecond
        }
    }

    /// No faults.
    public init() {}
}
