import Queueing
import Testing
import Wire

/// One end of a conversation that a test leads by hand: it may say anything.
final class HandPeer {
    let id: String
    let channel: Channel
    /// What its messages have as session.
    var session: UInt64 = 0
    private var poller = Poller()

    init(
        _ kind: Socket.Kind, context: ZeroMQContext, id: String, security: SocketSecurity = .insecure
    ) throws {
        self.id = id
        channel = try Channel(kind, context: context, run: "run", sender: id, security: security)
        _ = poller.add(channel.socket)
    }

    /// Says something from a DEALER, as soon as there is a connection. Waits no longer than half a minute.
    func say(_ body: Body) throws {
        guard try !channel.send(body, session: session) else { return }
        var writing = Poller()
        _ = writing.add(channel.socket, for: .writable)
        try writing.wait(milliseconds: 30_000)
        guard try channel.send(body, session: session) else { throw Silence(listener: id) }
    }

    /// The next message. Waits no longer than half a minute.
    func next() throws -> Envelope {
        for _ in 0..<2 {
            if let envelope = try received() { return envelope }
            try poller.wait(milliseconds: 30_000)
        }
        if let envelope = try received() { return envelope }
        throw Silence(listener: id)
    }

    /// The first message that is of a kind; others before it are dropped.
    func next<Found>(_ find: (Envelope) -> Found?) throws -> Found {
        while true {
            if let found = find(try next()) { return found }
        }
    }

    private func received() throws -> Envelope? {
        if case .message(let envelope, _, _) = try channel.receive() { envelope } else { nil }
    }

    struct Silence: Error {
        let listener: String
    }
}

extension Envelope {
    var register: Body.Register? { if case .register(let register) = body { register } else { nil } }
    var assignment: Body.Assignment? { if case .assignment(let assignment) = body { assignment } else { nil } }
    var runPlan: Body.RunPlan? { if case .runPlan(let plan) = body { plan } else { nil } }
    var drain: Body.Drain? { if case .drain(let drain) = body { drain } else { nil } }
    var recipe: Body.RunRecipe? { if case .runRecipe(let recipe) = body { recipe } else { nil } }
    var rejection: UInt32? { if case .reject(let reject) = body { reject.number } else { nil } }
    var stop: Body.Stop? { if case .stop(let stop) = body { stop } else { nil } }
    var recordedStep: UInt64? { if case .stepRecorded(let step) = body { step } else { nil } }
    var welcome: Body.Welcome? { if case .welcome(let welcome) = body { welcome } else { nil } }
    var ack: Body.Ack? { if case .ack(let ack) = body { ack } else { nil } }
    var reject: Body.Reject? { if case .reject(let reject) = body { reject } else { nil } }
    var credit: Body.Credit? { if case .credit(let credit) = body { credit } else { nil } }
    var heartbeat: Bool? { if case .heartbeat = body { true } else { nil } }
    var progress: Body.DeviceProgress? { if case .deviceProgress(let progress) = body { progress } else { nil } }
    var failure: Body.Failure? { if case .failure(let failure) = body { failure } else { nil } }
}
