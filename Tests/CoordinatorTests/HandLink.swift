import Wire

@testable import Queueing

/// A peer that a test leads by hand over a connection that may have to be tried again. It may say anything.
final class HandLink {
    let link: Link
    private let id: String
    private var poller = Poller()
    private(set) var events: [Link.Event] = []

    init(
        _ id: String, context: ZeroMQContext, endpoint: String, security: SocketSecurity, run: String = "run"
    ) throws {
        self.id = id
        link = Link(context: context, run: run, sender: id, timing: Site.timing)
        _ = poller.add(link)
        try link.connect(endpoint, security: security)
    }

    /// Waits until there is a connection.
    func connect() throws { try wait { self.link.isConnected ? true : nil } }

    /// Waits until it is kept out.
    func refused() throws {
        try wait { self.events.contains { if case .refused = $0 { true } else { false } } ? true : nil }
    }

    /// Says something as soon as there is a connection.
    func say(_ body: Body, attempt: UInt32 = 1, payload: Frame? = nil) throws {
        try connect()
        guard try link.send(body, attempt: attempt, payload: payload) else { throw HandPeer.Silence(listener: id) }
    }

    /// Sends frames as they are.
    ///
    /// - Returns: whether there was room.
    func send(_ frames: [[UInt8]]) throws -> Bool { try link.socket?.send(frames.map { Frame($0) }) ?? false }

    /// Introduces itself in a new session, as often as it takes.
    func greet(samples: Int) throws -> Body.Welcome {
        try connect()
        link.renewSession()
        try say(.hello(Body.Hello(samples: UInt64(samples))))
        return try next(\.welcome)
    }

    /// The next message that is of a kind; others before it are dropped. Waits no longer than half a minute.
    func next<Found>(_ find: (Envelope) -> Found?) throws -> Found {
        try wait { try self.received().flatMap(find) }
    }

    /// The next message that is there, of whatever session.
    func received() throws -> Envelope? {
        guard let message = try link.socket?.receive(), let header = message.frames.first else { return nil }
        return try header.withBytes { try Envelope.decode($0, limits: WireLimits()) }
    }

    @discardableResult
    private func wait<Found>(for find: () throws -> Found?) throws -> Found {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            while let event = try link.event() { events.append(event) }
            if let found = try find() { return found }
            try poller.wait(milliseconds: min(100, (link.untilDue ?? .seconds(1)).pollMilliseconds))
        }
        throw HandPeer.Silence(listener: id)
    }
}
