/// Who has been silent for too long. Times are measured from any fixed moment; the caller holds the clock.
public struct Liveness: Sendable {
    private let limit: Duration
    private var lastHeard: [String: Duration] = [:]

    /// - Parameter limit: a peer that is silent for longer is lost.
    public init(limit: Duration) { self.limit = limit }

    /// A peer said something, or is expected to from now on.
    public mutating func heard(_ peer: String, now: Duration) { lastHeard[peer] = now }

    /// A peer left as it should.
    public mutating func forget(_ peer: String) { lastHeard[peer] = nil }

    /// The peers that are neither lost nor forgotten, in the order of their names.
    public var expected: [String] { lastHeard.keys.sorted() }

    /// The peers that were lost since the last call, in the order of their names. Each is told once, until it is heard
    /// again.
    public mutating func lost(now: Duration) -> [String] {
        let lost = lastHeard.filter { now - $0.value > limit }.keys.sorted()
        for peer in lost { lastHeard[peer] = nil }
        return lost
    }
}
