import Diagnostics
import Foundation
import Randomness
import Support
import Testing

@testable import Gateway

@Suite("A gateway", .timeLimit(.minutes(2)))
struct GatewayTests {
    @Test("it leads to what is allowed, by name and by address, and carries bytes both ways")
    func carrying() throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port])
        for host in ["localhost", "127.0.0.1"] {
            let client = try scene.client(of: target.port, host: host)
            let server = try #require(target.accept())
            client.send(Array("there".utf8))
            #expect(server.read(exactly: 5) == Array("there".utf8))
            server.send(Array("and back".utf8))
            #expect(client.read(exactly: 8) == Array("and back".utf8))
        }
        #expect(scene.comes { $0.gateway.counts.connections == 0 })
        #expect((scene.gateway.counts.bytesUp, scene.gateway.counts.bytesDown) == (10, 16))
        #expect(scene.refusals.isEmpty)
        let opened = scene.events.filter { if case .opened = $0 { true } else { false } }
        #expect(opened.count == 2 && scene.events.count == 5, "\(scene.events)")
    }

    @Test("an address of four bytes is understood, and what comes with the request is not lost")
    func early() throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port])
        let client = try scene.connection()
        let port = [UInt8(target.port >> 8), UInt8(target.port & 255)]
        #expect(client.asks([5, 1, 0, 1, 127, 0, 0, 1] + port + Array("early".utf8)) == SOCKS.reply(0))
        #expect(try #require(target.accept()).read(exactly: 5) == Array("early".utf8))
    }

    @Test("what one end sent before it left arrives, however slow the other one reads, and memory stays small")
    func everythingArrives() throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port])
        let bytes = (0..<16 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let server: TCPConnection
        do {
            let client = try scene.client(of: target.port)
            server = try #require(target.accept())
            let thread = Thread { client.send(bytes) }
            thread.start()
            // Nobody reads: what is on its way is what systems and the gateway hold back, and that is not everything.
            var before = -1
            while case let now = scene.gateway.counts.bytesUp, now != before {
                before = now
                usleep(300_000)
            }
            #expect(before > 0 && before < bytes.count)
        }
        #expect(server.read(exactly: bytes.count) == bytes)
        #expect(server.read() == nil)
        #expect(scene.comes { $0.gateway.counts.connections == 0 })
    }

    @Test("what is not allowed, or not there, is refused with SOCKS's number and a reason")
    func refusing() throws {
        let target = try #require(TCPListener()), stranger = try #require(TCPListener())
        let gone = try #require(TCPListener()).port
        let scene = try GatewayScene(to: [target.port, gone])
        let name = [UInt8](repeating: 0xFF, count: 255)
        let cases: [(request: [UInt8], reply: UInt8, reason: GatewayRefusal)] = [
            (SOCKS.request("localhost", stranger.port), 2, .notAllowed),
            (SOCKS.request("localhost.evil.example", target.port), 2, .notAllowed),
            (SOCKS.request("", target.port), 2, .notAllowed),
            (SOCKS.request(name, target.port), 2, .notAllowed),
            (SOCKS.request("localhost", target.port, command: 2), 7, .malformed),
            (SOCKS.request("localhost", gone), 4, .unreachable),
        ]
        for (number, expected) in cases.enumerated() {
            let client = try scene.connection()
            #expect(client.asks(expected.request) == SOCKS.reply(expected.reply))
            #expect(client.read() == nil, "it is sent away")
            #expect(scene.comes { $0.refusals.count == number + 1 })
            #expect(scene.refusals.last == expected.reason)
        }
        #expect(scene.gateway.counts.refused == [.notAllowed: 4, .malformed: 1, .unreachable: 1])
        #expect(scene.comes { $0.gateway.counts.connections == 0 })
    }

    @Test(
        "passwords, other versions and noise are refused, and the next client is served",
        arguments: 0..<20 as Range<UInt64>)
    func noise(seed: UInt64) throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port])
        var generator = SeededGenerator(seed: seed, stream: "noise")
        let sentences: [[UInt8]] = [
            [5, 1, 2], [4, 1, 0, 80, 127, 0, 0, 1, 0], [5, 0], Array("GET / HTTP/1.1\r\n\r\n".utf8),
            [5, 1, 0, 5, 1, 1], [5, 1, 0, 5, 1, 0, 9, 1, 2, 3, 4],
            (0..<Int.random(in: 1...300, using: &generator)).map { _ in .random(in: 0...255, using: &generator) },
            SOCKS.greeting
                + (0..<Int.random(in: 1...300, using: &generator)).map { _ in .random(in: 0...255, using: &generator) },
        ]
        let sentence = sentences[Int(seed) % sentences.count]
        let client = try scene.connection()
        client.send(sentence)
        client.endSending()
        while client.read() != nil {}
        _ = try scene.client(of: target.port)
        #expect(scene.refusals.allSatisfy { $0 == .malformed || $0 == .notAllowed }, "\(sentence)")
    }

    @Test("who does not say where he wants to go is sent away, and who only knocks is no news")
    func silence() throws {
        let scene = try GatewayScene(to: [1]) { $0.handshakeTimeout = .milliseconds(200) }
        do { _ = try scene.connection() }
        let silent = try scene.connection()
        silent.send([5])
        #expect(silent.read() == nil)
        #expect(scene.comes { $0.refusals == [.unfinished] })
        #expect(scene.comes { $0.gateway.counts.connections == 0 })
    }

    @Test("a connection without a byte for long is closed at both ends")
    func idle() throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port]) { $0.idleTimeout = .milliseconds(300) }
        let client = try scene.client(of: target.port), server = try #require(target.accept())
        client.send([1])
        #expect(server.read(exactly: 1) == [1])
        #expect(client.read() == nil && server.read() == nil)
    }

    @Test("there are no more connections than there may be, and a place that is left is taken again")
    func full() throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port]) { $0.mostConnections = 2 }
        do {
            let clients = try (0..<2).map { _ in try scene.client(of: target.port) }
            #expect(try scene.connection().read() == nil)
            #expect(scene.refusals == [.full] && clients.count == 2)
        }
        #expect(scene.comes { $0.gateway.counts.connections == 0 })
        _ = try scene.client(of: target.port)
    }

    @Test("a port that is taken is an error with a remedy, and a gateway that ends gives its own back")
    func ending() throws {
        let target = try #require(TCPListener())
        var port: UInt16 = 0
        do {
            let scene = try GatewayScene(to: [target.port])
            port = scene.port
            #expect(throws: GatewayError.cannotListen(address: "127.0.0.1:\(port)", reason: "Address already in use")) {
                try GatewayScene(to: [], listening: Int(port))
            }
            let client = try scene.client(of: target.port)
            let ended = Thread { scene.gateway.run() }
            ended.start()
            scene.gateway.stop()
            #expect(client.read() == nil)
            while !ended.isFinished { usleep(1000) }
        }
        _ = try GatewayScene(to: [target.port], listening: Int(port)).client(of: target.port)
    }
}
