import Foundation
import Synchronization

/// Lets enrolled keys in, and nobody else: the ZAP handler of a context, on a thread of its own.
///
/// What is enrolled or revoked holds at once, for handshakes and for the messages of peers that are connected already.
/// There is one per context; every listening role has a domain of its own in it.
public final class Authenticator: Sendable {
    static let endpoint = "inproc://zeromq.zap.01"

    private let loop: AuthenticatorLoop

    /// - Throws: `TransportError`; a context can have one authenticator.
    public init(context: ZeroMQContext) throws(TransportError) {
        let loop = AuthenticatorLoop(stop: try WakeSignal())
        let thread = Thread { loop.serve(context) }
        thread.name = "authenticator"
        thread.start()
        loop.settled.wait()
        self.loop = loop
        if let failure = loop.failure.withLock({ $0 }) { throw failure }
    }

    deinit {
        loop.stop.signal()
        // The next authenticator of this context needs the address.
        loop.settled.wait()
    }

    /// Lets a key in, in the name of a peer.
    public func enroll(_ key: CurvePublicKey, as peer: EnrolledPeer, in domain: String) {
        loop.enrollment.withLock { $0.enroll(key, as: peer, in: domain) }
    }

    /// Lets a key in no more. Of a peer that is connected no further message is taken.
    public func revoke(_ key: CurvePublicKey, in domain: String) {
        loop.enrollment.withLock { $0.revoke(key, in: domain) }
    }

    /// Lets in these keys of a domain, and no others.
    ///
    /// - Parameter revoked: keys that were let in once, by an earlier process perhaps.
    public func replace(
        _ table: [CurvePublicKey: EnrolledPeer], revoked: [CurvePublicKey: EnrolledPeer] = [:], in domain: String
    ) {
        loop.enrollment.withLock { $0.replace(table, revoked: revoked, in: domain) }
    }

    /// Closes a domain, when its role has ended.
    public func remove(domain: String) { loop.enrollment.withLock { $0.remove(domain) } }

    /// Who a key belongs to now, nil when it is not enrolled.
    public func peer(of key: CurvePublicKey, in domain: String) -> EnrolledPeer? {
        loop.enrollment.withLock { $0.peer(of: key, in: domain) }
    }

    /// What was asked so far, in all domains.
    public var counts: AuthenticationCounts { loop.enrollment.withLock { $0.counts } }

    /// The handshakes of a domain that were refused so far.
    public func refusals(in domain: String) -> Refusals {
        loop.enrollment.withLock { $0.refusals(in: domain) }
    }
}

/// What the authenticator's thread shares with its owner.
private final class AuthenticatorLoop: Sendable {
    let enrollment = Mutex(Enrollment())
    let failure = Mutex<TransportError?>(nil)
    let stop: WakeSignal
    /// Signalled when the thread serves or could not, and when it has ended.
    let settled = DispatchSemaphore(value: 0)

    init(stop: WakeSignal) { self.stop = stop }

    func serve(_ context: ZeroMQContext) {
        do throws(TransportError) {
            var options = SocketOptions()
            options.maximumFrames = 16
            options.highWaterMark = 0
            options.lingerMilliseconds = 0
            let socket = try Socket(.router, context: context, options: options)
            defer { socket.close() }
            try socket.bind(Authenticator.endpoint)
            settled.signal()
            try answer(on: socket)
        } catch {
            failure.withLock { $0 = error }
            settled.signal()
        }
        settled.signal()
    }

    private func answer(on socket: Socket) throws(TransportError) {
        var poller = Poller()
        _ = poller.add(socket)
        let stopping = poller.add(fileDescriptor: stop.fileDescriptor)
        while poller.ready(stopping).isEmpty {
            try poller.wait(milliseconds: nil)
            while let message = try socket.receive() { try answer(message, on: socket) }
        }
    }

    private func answer(_ message: Socket.Message, on socket: Socket) throws(TransportError) {
        guard let peer = message.peer, let request = ZAPRequest(frames: message.frames.map(\.bytes)) else {
            enrollment.withLock { $0.malformed() }
            return
        }
        let enrolled = enrollment.withLock { $0.decide(request) }
        let frames = enrolled.map(request.accepted) ?? request.refused()
        do throws(TransportError) {
            _ = try socket.send(frames.map(Frame.init), to: peer)
        } catch .peerUnreachable {
            // Whoever asked has gone meanwhile.
        }
    }
}
