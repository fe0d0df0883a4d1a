import Queueing
import Wire

/// Answers that found a peer's queue full: one commit may acknowledge more messages of a device than its queue holds.
///
/// They go in their order as soon as there is room. What a peer does not take for a while is dropped: it has gone, and
/// asks again when it returns.
struct Outbox {
    /// Whether a peer's queue took a message.
    typealias Send = (_ body: Body, _ payload: Frame?, _ session: UInt64, _ peer: String) throws -> Bool

    private struct Waiting {
        var answers: ArraySlice<(session: UInt64, body: Body, payload: Frame?)>
        var since: Duration
    }

    private var peers: [String: Waiting] = [:]

    static let patience = Duration.seconds(2)
    /// How long a loop waits before it tries again.
    static let pause = Duration.milliseconds(5)

    var isEmpty: Bool { peers.isEmpty }

    /// A peer has begun anew: what waits for it from an earlier session is of no use to it.
    mutating func beginSession(_ session: UInt64, of peer: String) {
        peers[peer]?.answers.removeAll { $0.session != session }
        if peers[peer]?.answers.isEmpty == true { peers[peer] = nil }
    }

    /// Sends an answer, or lets it wait behind others.
    mutating func send(
        _ body: Body, payload: Frame? = nil, session: UInt64, to peer: String, now: Duration, by send: Send
    ) rethrows {
        if peers[peer] == nil {
            guard try !send(body, payload, session, peer) else { return }
            peers[peer] = Waiting(answers: [], since: now)
        }
        peers[peer]?.answers.append((session, body, payload))
    }

    /// Sends what waits and finds room.
    mutating func flush(now: Duration, by send: Send) rethrows {
        for peer in peers.keys {
            while let (session, body, payload) = peers[peer]?.answers.first, try send(body, payload, session, peer) {
                peers[peer]?.answers.removeFirst()
                peers[peer]?.since = now
            }
            if let waiting = peers[peer], waiting.answers.isEmpty || now - waiting.since >= Self.patience {
                peers[peer] = nil
            }
        }
    }
}
