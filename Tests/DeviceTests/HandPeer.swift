import Foundation
import Queueing
import Synchronization
import Wire

/// The coordinator or worker of a device, led by hand by a test. It answers heartbeats by itself.
final class HandPeer {
    let id: String
    let endpoint: String
    private let channel: Channel
    private var poller = Poller()
    /// Those of the last message.
    private(set) var session: UInt64 = 0
    private(set) var attempt: UInt32 = 0
    private var payloads: [Frame] = []

    init(
        _ id: String, context: ZeroMQContext, at endpoint: String = "tcp://127.0.0.1:*",
        security: SocketSecurity = .insecure
    ) throws {
        self.id = id
        channel = try Channel(.router, context: context, run: "run", sender: id, security: security)
        self.endpoint = try Self.bind(channel, to: endpoint)
        _ = poller.add(channel.socket)
    }

    /// ZeroMQ frees the port of a closed socket on a thread of its own, some time.
    private static func bind(_ channel: Channel, to endpoint: String) throws -> String {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try channel.bind(endpoint)
            } catch {
                guard ContinuousClock.now < end else { throw error }
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    /// Vanishes without a word.
    func close() { channel.socket.close() }

    /// The first message of a kind; others before it are dropped. Waits no longer than half a minute for one.
    func next<Found>(_ find: (Body) -> Found?) throws -> Found {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            guard case .message(let envelope, let payloads, _) = try channel.receive() else {
                try poller.wait(milliseconds: 1000)
                continue
            }
            (session, attempt) = (envelope.session, envelope.attempt)
            if case .heartbeat(let time) = envelope.body { try send(.heartbeatReply(time: time)) }
            if let found = find(envelope.body) {
                self.payloads = payloads
                return found
            }
        }
        throw Silence(listener: id)
    }

    /// Answers in the session of the last message.
    func send(_ body: Body) throws { try channel.send(body, session: session, to: "d") }

    /// The next part that is not acknowledged yet, with its payload.
    func nextPart() throws -> (header: Body.Activations, payload: [UInt8]) {
        let header = try next { body in if case .activations(let found) = body { found } else { nil } }
        return (header, payloads.first?.bytes ?? [])
    }

    func acknowledge(_ part: Body.Activations, bytes: Int) throws {
        try send(.ack(Body.Ack(sequence: part.sequence, creditBytes: UInt64(bytes), part: part.part)))
    }

    struct Silence: Error {
        let listener: String
    }
}

extension Body {
    var isHeartbeat: Bool { if case .heartbeat = self { true } else { false } }
    var register: Register? { if case .register(let found) = self { found } else { nil } }
    var hello: Hello? { if case .hello(let found) = self { found } else { nil } }
    var finished: Finished? { if case .finished(let found) = self { found } else { nil } }
    var progress: DeviceProgress? { if case .deviceProgress(let found) = self { found } else { nil } }
    var goodbye: String? { if case .goodbye(let found) = self { found } else { nil } }
    var failed: Failure? { if case .failure(let found) = self { found } else { nil } }
}

/// A role on a thread of its own.
final class RoleThread: Sendable {
    private let end = DispatchSemaphore(value: 0)
    private let thrown = Mutex<(any Error)?>(nil)

    init(_ body: @escaping @Sendable () throws -> Void) {
        Thread { [self] in
            do { try body() } catch { thrown.withLock { $0 = error } }
            end.signal()
        }.start()
    }

    /// Whether it has ended within half a minute.
    func hasEnded() -> Bool { end.wait(timeout: .now() + 30) == .success }

    var error: (any Error)? { thrown.withLock { $0 } }
}
