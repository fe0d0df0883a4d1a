/// Time since a role started: the clock that its loop hands to its state machines.
public struct RoleClock: Sendable {
    private let start = ContinuousClock.now

    /// A clock that starts now.
    public init() {}

    /// Since the start.
    public var now: Duration { ContinuousClock.now - start }
}

extension Duration {
    /// In seconds.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

    /// In nanoseconds, never negative.
    public var nanoseconds: UInt64 { UInt64(max(0, seconds) * 1e9) }
}
