import Diagnostics
import Queueing
import Wire

/// What devices and strangers say to the server of a method.
extension ProgramServer {
    func take(_ received: Channel.Received) throws {
        switch received {
        case .unreadable(let error, let peer):
            guard let peer else { return }
            try channel.answer(peer, .reject(Body.Reject(sequence: 0, error: error)))
            guard let place = devices.firstIndex(where: { $0.id == peer.sender }) else { return }
            try count(error, of: place)
        case .message(let envelope, let payloads, let peer):
            guard let peer else { return }
            guard let place = devices.firstIndex(where: { $0.id == envelope.sender }) else {
                return try refuse(.unknownSender(envelope.sender), peer, envelope)
            }
            try take(envelope, payloads, from: place, peer)
        }
    }

    /// Asks a device to leave, in its present session.
    func tellStop(_ place: Int, reason: String) throws {
        try channel.send(.stop(Body.Stop(reason: reason)), session: devices[place].session, to: devices[place].id)
    }

    private func take(_ envelope: Envelope, _ payloads: [Frame], from place: Int, _ peer: Channel.Peer) throws {
        if case .methodGreeting(let greeting) = envelope.body {
            return try greeted(greeting, session: envelope.session, from: place, peer)
        }
        guard envelope.session == devices[place].session, devices[place].isHere else {
            return try refuse(.unknownSession, peer, envelope)
        }
        liveness.heard(devices[place].id, now: clock.now)
        switch envelope.body {
        case .methodPart(let part):
            guard devices[place].hasRoom else { return }
            try accept(peer, envelope, number: part.place.number, from: place) { () throws(WireError) in
                if case .message(let message) = try devices[place].exchange.take(part, payloads: payloads) {
                    devices[place].queued(message)
                    inbox.append((place, message))
                    trace?.received(message, row: "from \(devices[place].id)")
                }
            }
            try say(.methodReceived(next: devices[place].exchange.expected), to: place)
        case .methodReceived(let next):
            try accept(peer, envelope, number: next.number, from: place) { () throws(WireError) in
                try devices[place].exchange.received(upTo: next, now: clock.now)
            }
            trace?.acknowledged(before: next, row: "to \(devices[place].id)")
        case .heartbeat(let time):
            try say(.heartbeatReply(time: time), to: place)
            // The first word of it may be lost.
            if case .leaving(let reason, _, _) = phase { try tellStop(place, reason: reason) }
        case .failure(let failure): throw ExchangeError.deviceFailed(devices[place].id, failure)
        case .goodbye(let reason):
            guard case .leaving = phase else { throw ExchangeError.deviceLeft(devices[place].id, reason: reason) }
            devices[place].hasLeft = true
        case .reject: break
        default: try refuse(.unexpectedMessage(envelope.body.name), peer, envelope)
        }
    }

    private func greeted(_ greeting: Body.MethodGreeting, session: UInt64, from place: Int, _ peer: Channel.Peer) throws
    {
        let device = devices[place]
        guard greeting.life != 0, session != 0 else {
            try channel.answer(peer, .reject(Body.Reject(sequence: 0, error: .unknownSession)))
            return
        }
        guard !device.isHere || device.life == greeting.life else { throw ExchangeError.deviceRestarted(device.id) }
        // What it has was sent by another process than this one.
        guard device.isHere || greeting.next == .init() else { throw ExchangeError.serverRestarted(endpoint: endpoint) }
        liveness.heard(device.id, now: clock.now)
        if devices[place].session != session { devices[place].exchange.closed() }
        do throws(WireError) {
            try devices[place].exchange.opened(at: greeting.next, now: clock.now)
        } catch {
            try channel.answer(peer, .reject(Body.Reject(sequence: 0, error: error)), session: session)
            return try count(error, of: place)
        }
        devices[place].life = greeting.life
        devices[place].session = session
        try say(
            .methodGreeting(Body.MethodGreeting(life: life, next: devices[place].exchange.expected)), to: place)
        if case .leaving(let reason, _, _) = phase { try tellStop(place, reason: reason) }
    }

    private func say(_ body: Body, to place: Int) throws {
        try channel.send(body, session: devices[place].session, to: devices[place].id)
    }

    private func accept(
        _ peer: Channel.Peer, _ envelope: Envelope, number: UInt64, from place: Int,
        _ body: () throws(WireError) -> Void
    ) throws {
        do {
            try body()
            devices[place].refusals = 0
        } catch {
            try channel.answer(peer, .reject(Body.Reject(sequence: number, error: error)), session: envelope.session)
            try count(error, of: place)
        }
    }

    private func count(_ error: WireError, of place: Int) throws {
        devices[place].refusals += 1
        guard devices[place].refusals < ExchangeError.mostRefusals else {
            throw ExchangeError.refused(peer: "device \(devices[place].id)", error)
        }
    }

    private func refuse(_ error: WireError, _ peer: Channel.Peer, _ envelope: Envelope) throws {
        try channel.answer(peer, .reject(Body.Reject(sequence: 0, error: error)), session: envelope.session)
    }
}
