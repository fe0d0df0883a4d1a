import Queueing
import Testing
import Wire

/// One end of a conversation that a test leads by hand: it may say anything.
final class HandPeer {
    let id: String
    let channel: Channel
    private var poller = Poller()

    init(_ kind: Socket.Kind, context: ZeroMQContext, id: String) throws {
        self.id = id
        channel = try Channel(kind, context: context, run: "run", sender: id)
        _ = poller.add(channel.socket)
    }

    /// The next message. Waits no longer than half a minute.
    func next() throws -> Envelope {
        for _ in 0..<2 {
            if case .message(let envelope, _, _) = try channel.receive() { return envelope }
            try poller.wait(milliseconds: 30_000)
        }
        if case .message(let envelope, _, _) = try channel.receive() { return envelope }
        throw Silence(listener: id)
    }

    /// The first message that is of a kind; others before it are dropped.
    func next<Found>(_ find: (Envelope) -> Found?) throws -> Found {
        while true {
            if let found = find(try next()) { return found }
        }
    }

    struct Silence: Error {
        let listener: String
    }
}

extension Envelope {
    var register: Body.Register? { if case .register(let register) = body { register } else { nil } }
    var assignment: Body.Assignment? { if case .assignment(let assignment) = body { assignment } else { nil } }
    var credit: Body.Credit? { if case .credit(let credit) = body { credit } else { nil } }
    var heartbeat: Bool? { if case .heartbeat = body { true } else { nil } }
    var progress: Body.DeviceProgress? { if case .deviceProgress(let progress) = body { progress } else { nil } }
    var failure: Body.Failure? { if case .failure(let failure) = body { failure } else { nil } }
}
