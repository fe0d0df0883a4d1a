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

    @Test(
        "what one end sent before it left arrives, however slow the other one reads, and little of it waits in the gateway",
        arguments: [true, false])
    func everythingArrives(isUp: Bool) throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port])
        let bytes = (0..<16 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let carried = isUp ? \GatewayCounts.bytesUp : \.bytesDown
        let reader: TCPConnection
        do {
            let client = try scene.client(of: target.port), server = try #require(target.accept())
            let writer = isUp ? client : server
            reader = isUp ? server : client
            let thread = Thread { writer.send(bytes) }
            thread.start()
            // Nobody reads: what is on its way is what systems and the gateway hold back, and that is not everything.
            #expect(scene.comes { $0.gateway.counts[keyPath: carried] > 0 })
            var before = -1
            while case let now = scene.gateway.counts[keyPath: carried], now != before {
                before = now
                usleep(300_000)
            }
            #expect(before > 0 && before < bytes.count)
        }
        #expect(reader.read(exactly: bytes.count) == bytes)
        #expect(reader.read() == nil)
        #expect(scene.comes { $0.gateway.counts.connections == 0 })
    }

    @Test("what is not allowed, or not there, is refused with SOCKS's number and a reason")
    func refusing() throws {
        let target = try #require(TCPListener()), stranger = try #require(TCPListener())
        let gone = try #require(TCPListener()).port
        let scene = try GatewayScene(to: [target.port, gone]) {
            $0.allowed += [AllowedDestination("[::1]:\(gone)")].compactMap { $0 }
        }
        let name = [UInt8](repeating: 0xFF, count: 255)
        let cases: [(request: [UInt8], reply: UInt8, reason: GatewayRefusal)] = [
            (SOCKS.request("localhost", stranger.port), 2, .notAllowed),
            (SOCKS.request("localhost.evil.example", target.port), 2, .notAllowed),
            (SOCKS.request("", target.port), 2, .notAllowed),
            (SOCKS.request(name, target.port), 2, .notAllowed),
            (SOCKS.request("localhost", target.port, command: 2), 7, .malformed),
            (SOCKS.request("localhost", gone), 4, .unreachable),
            (SOCKS.request(lastByteOfIPv6: 1, gone), 4, .unreachable),
            (SOCKS.request(lastByteOfIPv6: 2, gone), 2, .notAllowed),
        ]
        for (number, expected) in cases.enumerated() {
            let client = try scene.connection()
            #expect(client.asks(expected.request) == SOCKS.reply(expected.reply))
            #expect(client.read() == nil, "it is sent away")
            #expect(scene.comes { $0.refusals.count == number + 1 })
            #expect(scene.refusals.last == expected.reason)
        }
        let problems = scene.events.compactMap { if case .refused(_, _, _, let problem?) = $0 { problem } else { nil } }
        #expect(problems.count == 2 && problems[0] == "Connection refused")
        #expect(scene.gateway.counts.refused == [.notAllowed: 5, .malformed: 1, .unreachable: 2])
        #expect(scene.comes { $0.gateway.counts.connections == 0 })
    }

    @Test(
        "passwords, another version and another protocol are refused",
        arguments: [[5, 1, 2], [5, 0], [4, 1, 0, 80, 127, 0, 0, 1, 0], Array("GET / HTTP/1.1\r\n\r\n".utf8)])
    func wrongGreeting(sentence: [UInt8]) throws {
        let scene = try GatewayScene(to: [1])
        let client = try scene.connection()
        client.send(sentence)
        while client.read() != nil {}
        #expect(scene.comes { $0.refusals == [.malformed] })
    }

    @Test("a request without sense is refused", arguments: [[4, 1, 0, 1], [5, 1, 1, 1], [5, 1, 0, 9, 1, 2, 3, 4]])
    func wrongRequest(sentence: [UInt8]) throws {
        let scene = try GatewayScene(to: [1])
        #expect(try scene.connection().asks(sentence).isEmpty)
        #expect(scene.comes { $0.refusals == [.malformed] })
    }

    @Test("after noise the next client is served", arguments: 0..<20 as Range<UInt64>)
    func noise(seed: UInt64) throws {
        let target = try #require(TCPListener())
        let scene = try GatewayScene(to: [target.port])
        var generator = SeededGenerator(seed: seed, stream: "noise")
        let noise = (0..<Int.random(in: 1...300, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        let client = try scene.connection()
        if Bool.random(using: &generator) { _ = client.asks(Array(noise.prefix(10))) }
        client.send(noise)
        client.endSending()
        while client.read() != nil {}
        _ = try scene.client(of: target.port)
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
