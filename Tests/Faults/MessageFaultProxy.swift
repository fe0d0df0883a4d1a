import Foundation
import Queueing
import Synchronization

/// A relay of messages between DEALERs and a ROUTER that loses, repeats, delays and reorders them, by a seed. It has a
/// thread of its own, and ends with its last reference.
///
/// It speaks without keys. Each DEALER has a socket of its own to the ROUTER, and keeps the routing id it showed.
public final class MessageFaultProxy: Sendable {
    /// Where DEALERs connect.
    public let endpoint: String
    private let relay: MessageRelay

    /// - Parameters:
    ///   - endpoint: where to listen, such as `inproc://faults` or `tcp://127.0.0.1:*`.
    ///   - upstream: where the ROUTER is.
    ///   - translation: what becomes of each message's frames, in both directions.
    /// - Throws: `TransportError`.
    public init(
        context: ZeroMQContext, endpoint: String, upstream: String, seed: UInt64 = 1,
        faults: MessageFaults = MessageFaults(), translation: (@Sendable ([[UInt8]]) -> [[UInt8]])? = nil
    ) throws {
        let relay = MessageRelay(signal: try WakeSignal(), seed: seed, faults: faults, translation: translation)
        let thread = Thread { relay.run(context, endpoint: endpoint, upstream: upstream) }
        thread.name = "message faults"
        thread.start()
        relay.settled.wait()
        self.relay = relay
        self.endpoint = try relay.state.withLock { try $0.endpoint.get() }
    }

    deinit {
        relay.change { $0.isStopped = true }
        relay.settled.wait()
    }

    /// Replaces the faults, at once.
    public func set(_ faults: MessageFaults) { relay.change { $0.faults = faults } }

    /// What was done so far, in both directions.
    public var counts: MessageFaultCounts { relay.state.withLock { $0.counts } }
}

/// The proxy's thread.
private final class MessageRelay: Sendable {
    struct State {
        var endpoint = Result<String, TransportError>.success("")
        var faults: MessageFaults
        var counts = MessageFaultCounts()
        var isStopped = false
    }

    let state: Mutex<State>
    /// Signalled when the thread listens or could not, and when it has ended.
    let settled = DispatchSemaphore(value: 0)
    private let signal: WakeSignal
    private let seed: UInt64
    private let translation: (@Sendable ([[UInt8]]) -> [[UInt8]])?

    init(
        signal: WakeSignal, seed: UInt64, faults: MessageFaults, translation: (@Sendable ([[UInt8]]) -> [[UInt8]])?
    ) {
        self.signal = signal
        self.seed = seed
        self.translation = translation
        state = Mutex(State(faults: faults))
    }

    func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        signal.signal()
    }

    func run(_ context: ZeroMQContext, endpoint: String, upstream: String) {
        do throws(TransportError) {
            let front = try Socket(.router, context: context, options: Self.options(identity: nil))
            let bound = try front.bind(endpoint)
            state.withLock { $0.endpoint = .success(bound) }
            settled.signal()
            var passage = MessagePassage(
                context: context, front: front, upstream: upstream, seed: seed, translation: translation)
            while true {
                try passage.wait(signal.fileDescriptor)
                signal.drain()
                let state = state.withLock { $0 }
                if state.isStopped { break }
                try passage.proceed(state.faults)
                self.state.withLock { $0.counts = passage.counts }
            }
        } catch {
            state.withLock { $0.endpoint = .failure(error) }
            settled.signal()
        }
        settled.signal()
    }

    static func options(identity: PeerIdentity?) -> SocketOptions {
        var options = SocketOptions(identity: identity)
        options.security = .insecure
        options.highWaterMark = 0
        options.lingerMilliseconds = 0
        return options
    }
}

/// The sockets of a message proxy and what waits between them, on one thread.
private struct MessagePassage {
    private struct Waiting {
        let due: Duration
        let number: Int
        let frames: [[UInt8]]
        let client: PeerIdentity
        let isUpwards: Bool
    }

    private let context: ZeroMQContext
    private let front: Socket
    private let upstream: String
    private let clock = RoleClock()
    private let translation: (([[UInt8]]) -> [[UInt8]])?
    private var backs: [PeerIdentity: Socket] = [:]
    private var up: FaultSchedule
    private var down: FaultSchedule
    private var waiting: [Waiting] = []
    private var number = 0
    private var sent = 0

    init(
        context: ZeroMQContext, front: Socket, upstream: String, seed: UInt64,
        translation: (([[UInt8]]) -> [[UInt8]])?
    ) {
        self.translation = translation
        self.context = context
        self.front = front
        self.upstream = upstream
        up = FaultSchedule(seed: seed, stream: "faults/up")
        down = FaultSchedule(seed: seed, stream: "faults/down")
    }

    var counts: MessageFaultCounts {
        var counts = up.counts
        counts.received += down.counts.received
        counts.dropped += down.counts.dropped
        counts.duplicated += down.counts.duplicated
        counts.delayed += down.counts.delayed
        counts.reordered += down.counts.reordered
        counts.sent = sent
        return counts
    }

    func wait(_ signal: Int32) throws(TransportError) {
        var poller = Poller()
        _ = poller.add(fileDescriptor: signal)
        _ = poller.add(front)
        for back in backs.values { _ = poller.add(back) }
        try poller.wait(milliseconds: waiting.map(\.due).min().map { ($0 - clock.now).pollMilliseconds })
    }

    mutating func proceed(_ faults: MessageFaults) throws(TransportError) {
        while let message = try front.receive() {
            guard let client = message.peer else { continue }
            try connect(client)
            take(message, client, up.times(faults, now: clock.now), isUpwards: true)
        }
        for (client, back) in backs {
            while let message = try back.receive() {
                take(message, client, down.times(faults, now: clock.now), isUpwards: false)
            }
        }
        try deliver()
    }

    private mutating func connect(_ client: PeerIdentity) throws(TransportError) {
        guard backs[client] == nil else { return }
        // Ids that begin with a zero byte are the ROUTER's own names for those who showed none.
        let identity = client.bytes.first == 0 ? nil : client
        let back = try Socket(.dealer, context: context, options: MessageRelay.options(identity: identity))
        try back.connect(upstream)
        backs[client] = back
    }

    private mutating func take(_ message: Socket.Message, _ client: PeerIdentity, _ times: [Duration], isUpwards: Bool)
    {
        let received = message.frames.map(\.bytes), frames = translation?(received) ?? received
        for due in times {
            number += 1
            waiting.append(Waiting(due: due, number: number, frames: frames, client: client, isUpwards: isUpwards))
        }
    }

    private mutating func deliver() throws(TransportError) {
        let now = clock.now
        let ready = waiting.filter { $0.due <= now }.sorted { ($0.due, $0.number) < ($1.due, $1.number) }
        waiting.removeAll { $0.due <= now }
        for message in ready {
            let frames = message.frames.map { Frame($0) }
            sent += 1
            if message.isUpwards {
                _ = try backs[message.client]?.send(frames)
            } else {
                do throws(TransportError) {
                    _ = try front.send(frames, to: message.client)
                } catch .peerUnreachable {
                    // The client has gone.
                }
            }
        }
    }
}
