/// With which probabilities a `MessageFaultProxy` harms a message, and how. The defaults leave all as they are.
public struct MessageFaults: Sendable, Equatable {
    /// It never arrives.
    public var drop = 0.0
    /// It arrives twice.
    public var duplicate = 0.0
    /// It, and all behind it, wait.
    public var delay = 0.0
    /// It waits while others overtake it.
    public var reorder = 0.0
    /// Waits are between nothing and this.
    public var longestWait = Duration.milliseconds(20)

    /// No faults.
    public init() {}
}

/// What a `MessageFaultProxy` has done so far.
public struct MessageFaultCounts: Sendable, Equatable {
    /// Messages that came in, from both sides.
    public internal(set) var received = 0
    /// Messages that went out.
    public internal(set) var sent = 0
    /// Messages that never went out.
    public internal(set) var dropped = 0
    /// Messages that went out twice.
    public internal(set) var duplicated = 0
    /// Messages that waited with all behind them.
    public internal(set) var delayed = 0
    /// Messages that others could overtake.
    public internal(set) var reordered = 0
}
