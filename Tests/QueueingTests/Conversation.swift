import Queueing
import Testing
import Wire

/// A listening channel and links to it, all on one thread. The channel answers heartbeats in their session.
final class Conversation {
    let context: ZeroMQContext
    let server: Channel
    let endpoint: String
    var heard: [Envelope] = []
    var refused: [WireError] = []
    var answers = true
    private(set) var ends: [LinkEnd] = []
    private var poller = Poller()

    init(
        context: ZeroMQContext? = nil, endpoint: String = "tcp://127.0.0.1:*", security: SocketSecurity = .insecure,
        timing: ConnectionTiming = .listener
    ) throws {
        let context = try context ?? ZeroMQContext()
        self.context = context
        server = try Channel(
            .router, context: context, run: "run", sender: "worker", security: security, timing: timing)
        self.endpoint = try server.bind(endpoint)
        _ = poller.add(server.socket)
    }

    /// A link of this context, driven with the server.
    func add(
        _ sender: String, to endpoint: String? = nil, security: SocketSecurity = .insecure,
        timing: ConnectionTiming = .quick
    ) throws -> LinkEnd {
        let end = LinkEnd(Link(context: context, run: "run", sender: sender, timing: timing))
        _ = poller.add(end.link)
        try end.link.connect(endpoint ?? self.endpoint, security: security)
        ends.append(end)
        return end
    }

    /// Drives both sides until something holds, for at most 20 seconds.
    ///
    /// - Returns: whether it came to hold.
    func until(_ holds: () throws -> Bool) throws -> Bool { try within(.seconds(20), holds) }

    func within(_ limit: Duration, _ holds: () throws -> Bool) throws -> Bool {
        let clock = RoleClock()
        while try !holds() {
            guard clock.now < limit else { return false }
            try poller.wait(milliseconds: 20)
            try work()
        }
        return true
    }

    private func work() throws {
        while let received = try server.receive() {
            switch received {
            case .message(let envelope, _, let peer):
                heard.append(envelope)
                if answers, case .heartbeat(let time) = envelope.body, let peer {
                    try server.answer(peer, .heartbeatReply(time: time), session: envelope.session)
                }
            case .unreadable(let error, _): refused.append(error)
            }
        }
        for end in ends { try end.work() }
    }
}

/// A link and everything that it told.
final class LinkEnd {
    let link: Link
    var events: [Link.Event] = []
    var answers: [UInt64] = []
    var sessions: [UInt64] = []
    private var number: UInt64 = 0
    private var awaited: UInt64?
    private var lastSpoken = Duration.zero
    private let clock = RoleClock()

    init(_ link: Link) { self.link = link }

    /// The reasons of all refusals.
    var refusals: [String] { events.compactMap { if case .refused(let reason) = $0 { reason } else { nil } } }

    /// Sends the next of a row of heartbeats.
    func speak() throws -> UInt64? {
        number += 1
        return try link.send(.heartbeat(time: number)) ? number : nil
    }

    /// Whether what it said last is answered; until then it speaks, again only when that seems to be lost.
    func isAnswered() throws -> Bool {
        if let awaited, answers.contains(awaited) {
            self.awaited = nil
            return true
        }
        if awaited == nil || clock.now - lastSpoken > .milliseconds(500) {
            awaited = try speak()
            lastSpoken = clock.now
        }
        return false
    }

    func work() throws {
        while let event = try link.event() {
            events.append(event)
            if event == .connected { sessions.append(link.session) }
        }
        while case .message(let envelope, _, _) = try link.receive() {
            if case .heartbeatReply(let time) = envelope.body { answers.append(time) }
        }
    }
}

extension ConnectionTiming {
    /// Short times for tests.
    static let quick = {
        var timing = ConnectionTiming.link
        timing.heartbeatInterval = .milliseconds(100)
        timing.heartbeatTimeout = .milliseconds(400)
        timing.connectTimeout = .milliseconds(500)
        timing.handshakeTimeout = .milliseconds(500)
        timing.firstReconnect = .milliseconds(10)
        timing.longestReconnect = .milliseconds(100)
        return timing
    }()
}

/// A listening role with keys.
struct Fortress {
    static let domain = "ingress/worker"
    let context: ZeroMQContext
    let authenticator: Authenticator
    let pair: CurveKeyPair
    let conversation: Conversation

    init(handshakeTimeout: Duration = .seconds(10)) throws {
        var timing = ConnectionTiming.listener
        timing.handshakeTimeout = handshakeTimeout
        context = try ZeroMQContext()
        authenticator = try Authenticator(context: context)
        pair = try .generate()
        conversation = try Conversation(
            context: context, security: .server(pair, authenticator, domain: Self.domain), timing: timing)
    }

    /// A new key that is enrolled for somebody.
    func enroll(_ id: String, role: Body.Role = .device) throws -> CurveKeyPair {
        let pair = try CurveKeyPair.generate()
        authenticator.enroll(pair.publicKey, as: EnrolledPeer(role: role, id: id), in: Self.domain)
        return pair
    }

    /// A link with a key.
    func add(_ sender: String, _ key: CurveKeyPair) throws -> LinkEnd {
        try conversation.add(sender, security: .client(key, server: pair.publicKey))
    }
}
