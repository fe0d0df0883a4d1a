import Foundation
import Queueing
import Wire

/// Simulated devices in this process, all on the calling thread.
final class QueueBenchFleet {
    let publishers: [QueueBenchPublisher]
    let clock = RoleClock()
    private var poller = Poller()
    private let sources: [Poller.Source]
    /// Links are looked after this often, whatever their sockets say.
    private static let tick = Duration.milliseconds(20)
    /// How long nothing may be acknowledged.
    private static let patienceSeconds = 120
    private var lastTick = Duration.zero

    /// - Parameters:
    ///   - keys: one pair for each device, with the worker's public key; none for plain TCP.
    ///   - payloads: different ones that are published in turns.
    init(
        _ shape: QueueBenchShape, endpoint: String, context: ZeroMQContext, keys: [CurveKeyPair] = [],
        workerKey: CurvePublicKey? = nil, payloads count: Int = 16
    ) throws {
        let payloads = (0..<count).map { QueueBenchPayload(byteCount: shape.messageBytes, stream: $0) }
        publishers = try (0..<shape.devices).map { device in
            let security: SocketSecurity = workerKey.map { .client(keys[device], server: $0) } ?? .insecure
            return try QueueBenchPublisher(
                shape.name(device), shape: shape, payloads: payloads, context: context, endpoint: endpoint,
                security: security)
        }
        var poller = Poller()
        sources = publishers.map { poller.add($0.link) }
        self.poller = poller
    }

    /// The most payload bytes that were ever on their way. A connection whose other end is stopped counts as lost in the
    /// end, and with it what was on its way.
    private(set) var mostUnacknowledgedBytes = 0
    var acknowledgedMessages: Int { publishers.reduce(0) { $0 + $1.acknowledgedMessages } }

    /// Waits until every device has its credit.
    ///
    /// - Throws: `QueueBenchError.stalled` and what a publisher throws.
    func connect() throws {
        try work(publishing: false, "not every device was welcomed") { $0.publishers.allSatisfy(\.isWelcome) }
    }

    /// Publishes everything there is, and waits until it is acknowledged.
    ///
    /// - Throws: `QueueBenchError.stalled` and what a publisher throws.
    func publishAll() throws {
        try work(publishing: true, "nothing was acknowledged") { $0.publishers.allSatisfy(\.isDone) }
    }

    /// Publishes for a time, whatever comes back.
    ///
    /// - Throws: what a publisher throws.
    func publish(for time: Duration) throws {
        let end = clock.now + time
        while clock.now < end { try turn(publishing: true) }
    }

    /// Publishes nothing more until all is acknowledged.
    ///
    /// - Throws: `QueueBenchError.stalled` and what a publisher throws.
    func settle() throws {
        try work(publishing: false, "nothing was acknowledged") { fleet in
            fleet.publishers.allSatisfy { $0.unacknowledgedCount == 0 }
        }
    }

    private func work(publishing: Bool, _ what: String, until isDone: (QueueBenchFleet) -> Bool) throws {
        var moved = clock.now, count = acknowledgedMessages
        while !isDone(self) {
            try turn(publishing: publishing)
            let now = clock.now
            if count != acknowledgedMessages { (moved, count) = (now, acknowledgedMessages) }
            guard now - moved < .seconds(Self.patienceSeconds) else {
                throw QueueBenchError.stalled(what: what, seconds: Self.patienceSeconds)
            }
        }
    }

    private func turn(publishing: Bool) throws {
        let due = lastTick + Self.tick - clock.now
        try poller.wait(milliseconds: Int(max(0, due.seconds * 1000)))
        let now = clock.now
        let isTick = now - lastTick >= Self.tick
        if isTick { lastTick = now }
        for (publisher, source) in zip(publishers, sources) where isTick || !poller.ready(source).isEmpty {
            try publisher.follow(now: clock.now)
            if publishing { try publisher.publish(now: clock.now) }
        }
        mostUnacknowledgedBytes = max(
            mostUnacknowledgedBytes, publishers.reduce(0) { $0 + $1.unacknowledgedBytes })
    }
}
