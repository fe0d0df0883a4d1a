/// Connections that came to nothing without a word of ZeroMQ about it, as those of web browsers and port scanners do.
///
/// ZeroMQ tells that a connection was accepted and that it ended, and not whether a handshake came between. But whoever
/// was accepted longer ago than a handshake may take has completed or failed it.
struct SilentHandshakes {
    /// Between two looks that are remembered.
    private static let interval = Duration.seconds(1)

    /// How many there were, as far as that is sure.
    private(set) var count = 0

    private let patience: Duration
    private var looks: [(time: Duration, accepted: Int)] = []

    /// - Parameter handshakeTimeout: how long a handshake may take.
    init(handshakeTimeout: Duration) { patience = handshakeTimeout + Self.interval }

    /// - Parameter now: since any fixed moment.
    mutating func look(_ counts: ConnectionCounts, now: Duration) {
        if looks.last.map({ now - $0.time >= Self.interval }) ?? true { looks.append((now, counts.accepted)) }
        while looks.count > 1, now - looks[1].time >= patience { looks.removeFirst() }
        guard let old = looks.first, now - old.time >= patience else { return }
        let told = counts.completed + counts.unauthenticated + counts.malformed + counts.broken
        count = max(count, old.accepted - told)
    }
}
