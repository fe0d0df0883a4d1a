import Foundation
import Queueing
import Wire

struct Silence: Error {
    let listener: String
}

/// A coordinator that a test leads by hand. It answers heartbeats by itself.
final class HandCoordinator {
    let endpoint: String
    private let channel: Channel
    private var poller = Poller()
    private var sessions: [String: UInt64] = [:]

    init(context: ZeroMQContext) throws {
        channel = try Channel(
            .router, context: context, run: "run", sender: "coordinator", highWaterMark: 0, security: .insecure)
        endpoint = try channel.bind("tcp://127.0.0.1:*")
        _ = poller.add(channel.socket)
    }

    /// The first message for which something is found; others before it are dropped.
    func next<Found>(from peer: String? = nil, _ find: (Body) -> Found?) throws -> Found {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            guard case .message(let envelope, _, _) = try channel.receive() else {
                try poller.wait(milliseconds: 1000)
                continue
            }
            sessions[envelope.sender] = envelope.session
            if case .heartbeat(let time) = envelope.body {
                try send(.heartbeatReply(time: time), to: envelope.sender)
            } else if peer == nil || peer == envelope.sender, let found = find(envelope.body) {
                return found
            }
        }
        throw Silence(listener: "coordinator")
    }

    func send(_ body: Body, to peer: String) throws {
        try channel.send(body, session: sessions[peer] ?? 0, to: peer)
    }
}

/// A device that a test leads by hand.
final class HandDevice {
    private let link: Link
    private var poller = Poller()

    init(_ id: String, context: ZeroMQContext, worker: String, security: SocketSecurity = .insecure) throws {
        link = Link(context: context, run: "run", sender: id)
        _ = poller.add(link)
        try link.connect(worker, security: security)
    }

    /// Introduces itself as soon as there is a connection.
    func welcome(samples: Int) throws -> Body.Welcome {
        try greet(samples: samples)
        return try next { if case .welcome(let welcome) = $0 { welcome } else { nil } }
    }

    /// Introduces itself, and is refused with a number.
    func refusal(samples: Int) throws -> UInt32 {
        try greet(samples: samples)
        return try next { if case .reject(let reject) = $0 { reject.number } else { nil } }
    }

    private func greet(samples: Int) throws {
        let end = ContinuousClock.now + .seconds(30)
        while !link.isConnected, ContinuousClock.now < end {
            try poller.wait(milliseconds: 100)
            while try link.event() != nil {}
        }
        link.renewSession()
        try link.send(.hello(.init(samples: UInt64(samples))))
    }

    func send(_ message: (Body.Activations, [UInt8]), attempt: UInt32 = 1) throws {
        try link.send(.activations(message.0), attempt: attempt, payload: Frame(message.1))
    }

    func next<Found>(_ find: (Body) -> Found?) throws -> Found {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            while try link.event() != nil {}
            if case .message(let envelope, _, _) = try link.receive() {
                if let found = find(envelope.body) { return found }
            } else {
                try poller.wait(milliseconds: 1000)
            }
        }
        throw Silence(listener: "device")
    }

    /// Waits for the acknowledgement of a sequence.
    func acknowledged(_ sequence: UInt64) throws {
        _ = try next { if case .ack(let ack) = $0, ack.sequence == sequence { ack } else { nil } }
    }
}
