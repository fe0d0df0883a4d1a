/// Bytes that a proxy has passed on, each way.
public struct PassedBytes: Sendable, Equatable {
    /// From clients.
    public private(set) var toUpstream = 0
    /// To clients.
    public private(set) var fromUpstream = 0

    init(toUpstream: Int = 0, fromUpstream: Int = 0) {
        self.toUpstream = toUpstream
        self.fromUpstream = fromUpstream
    }

    mutating func add(_ now: PassedBytes, since before: PassedBytes) {
        toUpstream += now.toUpstream - before.toUpstream
        fromUpstream += now.fromUpstream - before.fromUpstream
    }
}
