import Diagnostics
import Foundation
import Queueing
import Support
import Testing
import Wire

@testable import Gateway

/// Links with keys, from end to end.
@Suite("Links through a gateway", .timeLimit(.minutes(2)))
struct GatewayLinkTests {
    private static let domain = "ingress/worker"

    /// A listening role with keys.
    private struct Role {
        let channel: Channel
        let pair: CurveKeyPair
        let authenticator: Authenticator
        let port: UInt16

        init() throws {
            let context = try ZeroMQContext()
            authenticator = try Authenticator(context: context)
            pair = try CurveKeyPair.generate()
            channel = try Channel(
                .router, context: context, run: "run", sender: "worker",
                security: .server(pair, authenticator, domain: domain))
            port = try #require(try channel.bind("tcp://127.0.0.1:*").split(separator: ":").last.flatMap { UInt16($0) })
        }

        func enroll(_ id: String) throws -> SocketSecurity {
            let key = try CurveKeyPair.generate()
            authenticator.enroll(key.publicKey, as: EnrolledPeer(role: .device, id: id), in: domain)
            return .client(key, server: pair.publicKey)
        }
    }

    /// Drives a link and a role until something holds.
    private static func drive(_ link: Link, _ role: Role, until holds: () throws -> Bool) throws -> Bool {
        var poller = Poller()
        _ = poller.add(link)
        _ = poller.add(role.channel.socket)
        let clock = RoleClock()
        while try !holds() {
            guard clock.now < .seconds(30) else { return false }
            try poller.wait(milliseconds: 20)
            while try link.event() != nil {}
        }
        return true
    }

    @Test("a device with keys reaches a role by a name that the gateway resolves, and megabytes arrive whole")
    func keys() throws {
        let role = try Role()
        let scene = try GatewayScene(to: [role.port])
        let outside = try ZeroMQContext(gateway: scene.gateway.address)
        let link = Link(context: outside, run: "run", sender: "device-1")
        try link.connect("tcp://localhost:\(role.port)", security: try role.enroll("device-1"))
        #expect(try Self.drive(link, role) { link.isConnected })
        let bytes = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 >> 4) }
        #expect(try link.send(.heartbeat(time: 7), payload: Frame(bytes)))
        var heard: (Envelope, [Frame])?
        #expect(
            try Self.drive(link, role) {
                if case .message(let envelope, let payloads, _)? = try role.channel.receive() {
                    heard = (envelope, payloads)
                }
                return heard != nil
            })
        #expect(heard?.0.body == .heartbeat(time: 7) && heard?.0.sender == "device-1")
        #expect(heard?.1.first?.bytes == bytes)
        #expect(try role.channel.send(.heartbeatReply(time: 7), session: link.session, to: "device-1"))
        #expect(
            try Self.drive(link, role) {
                if case .message(let envelope, _, _)? = try link.receive() {
                    envelope.body == .heartbeatReply(time: 7)
                } else {
                    false
                }
            })
    }

    @Test("a key that is not enrolled is refused behind the gateway as before it")
    func stranger() throws {
        let role = try Role()
        let scene = try GatewayScene(to: [role.port])
        let link = Link(context: try ZeroMQContext(gateway: scene.gateway.address), run: "run", sender: "device-1")
        try link.connect(
            "tcp://127.0.0.1:\(role.port)",
            security: .client(try CurveKeyPair.generate(), server: role.pair.publicKey))
        var poller = Poller()
        _ = poller.add(link)
        var refusal: String?
        let clock = RoleClock()
        while refusal == nil, clock.now < .seconds(30) {
            try poller.wait(milliseconds: 20)
            _ = try role.channel.receive()
            if case .refused(let reason)? = try link.event() { refusal = reason }
        }
        #expect(refusal == "the key is not enrolled there (status 400)")
    }

    @Test("a gateway that dies and comes back, and one that never answers, cost a link time and nothing else")
    func comingBack() throws {
        let role = try Role()
        var scene: GatewayScene? = try GatewayScene(to: [role.port])
        let port = Int(try #require(scene).port)
        var timing = ConnectionTiming.link
        timing.attemptTimeout = .seconds(1)
        let link = Link(
            context: try ZeroMQContext(gateway: HostAndPort(host: "127.0.0.1", port: port)), run: "run",
            sender: "device-1", timing: timing)
        try link.connect("tcp://localhost:\(role.port)", security: try role.enroll("device-1"))
        #expect(try Self.drive(link, role) { link.isConnected })
        scene = nil
        #expect(try Self.drive(link, role) { !link.isConnected })
        do {
            // Whoever listens here says nothing: the link gives the attempt up by itself.
            let mute = try #require(TCPListener(port: UInt16(port)))
            var held: [TCPConnection] = []
            #expect(
                try Self.drive(link, role) {
                    if let connection = mute.accept(seconds: 0) { held.append(connection) }
                    return held.count == 2
                })
        }
        scene = try GatewayScene(to: [role.port], listening: port)
        #expect(try Self.drive(link, role) { link.isConnected })
    }
}
