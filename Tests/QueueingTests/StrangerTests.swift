import Foundation
import Randomness
import Testing
import Wire

@testable import Queueing

@Suite("Strangers at a listening socket", .timeLimit(.minutes(3)), .serialized)
struct StrangerTests {
    @Test("an enrolled key is let in under its own name, and the role is known")
    func welcome() throws {
        let fortress = try Fortress()
        let end = try fortress.add("device-1", fortress.enroll("device-1"))
        #expect(try fortress.conversation.until { try end.isAnswered() })
        #expect(fortress.conversation.refused.isEmpty)
        #expect(fortress.authenticator.counts.accepted >= 1)
        let limit = WireLimits().frameBytes
        // A frame of the very limit passes although encryption makes it longer.
        _ = try end.link.send(.registerAgain, payload: Frame([UInt8](repeating: 3, count: limit)))
        #expect(try fortress.conversation.until { fortress.conversation.heard.contains { $0.body == .registerAgain } })
    }

    @Test("a key that nobody enrolled is refused and counted without its secret, until it is enrolled")
    func unknownKey() throws {
        let fortress = try Fortress()
        let key = try CurveKeyPair.generate()
        let end = try fortress.add("device-1", key)
        let server = fortress.conversation.server
        #expect(try fortress.conversation.until { end.refusals.count >= 3 })
        #expect(end.sessions.isEmpty)
        #expect(try !end.link.send(.registerAgain))
        let entries = try server.refusals().entries
        let entry = try #require(entries[.unknownKey])
        #expect(entries.count == 1 && entry.count >= 3)
        let last = try #require(entry.last)
        #expect(last.hasPrefix("127.0.0.1") && last.hasSuffix(key.publicKey.fingerprint))
        #expect(!last.contains(key.publicKey.z85))
        // ZeroMQ tells the same in its own way, perhaps a moment later.
        #expect(
            try fortress.conversation.until {
                try server.refusals().entries[.unknownKey]?.count == server.connections.unauthenticated
            })
        // ZeroMQ gives such a socket up; the link does not.
        fortress.authenticator.enroll(
            key.publicKey, as: EnrolledPeer(role: .device, id: "device-1"), in: Fortress.domain)
        #expect(try fortress.conversation.until { end.sessions.count == 1 })
        #expect(try fortress.conversation.until { try end.isAnswered() })
    }

    @Test("a revoked key is refused at once, also on a connection that is there, and nothing is sent to it any more")
    func revoked() throws {
        let fortress = try Fortress()
        let honest = try fortress.add("device-1", fortress.enroll("device-1"))
        let key = try fortress.enroll("device-2")
        let end = try fortress.add("device-2", key)
        let conversation = fortress.conversation
        #expect(try conversation.until { try honest.isAnswered() && end.isAnswered() })
        fortress.authenticator.revoke(key.publicKey, in: Fortress.domain)
        #expect(try !conversation.server.send(.registerAgain, to: "device-2"))
        let heard = conversation.heard.filter { $0.sender == "device-2" }.count
        for _ in 0..<10 { _ = try end.speak() }
        #expect(try conversation.until { conversation.refused.count == 10 })
        #expect(conversation.refused.allSatisfy { $0 == .notEnrolled("device-2") })
        #expect(conversation.heard.filter { $0.sender == "device-2" }.count == heard)
        // Another key for the same device does not let the old one in again.
        let other = try fortress.enroll("device-2")
        _ = try end.speak()
        #expect(try conversation.until { conversation.refused.count == 11 })
        let counted = try conversation.server.refusals().entries
        #expect(counted[.message(.notEnrolled)] == .init(count: 11, last: "device-2"))
        // With the key that was revoked there is no way in, and it is known whose it was.
        let again = try fortress.add("device-2", key)
        #expect(try conversation.until { !again.refusals.isEmpty })
        #expect(try conversation.server.refusals().entries[.revokedKey]?.last == "device-2")
        let successor = try fortress.add("device-2", other)
        #expect(try conversation.until { try successor.isAnswered() && honest.isAnswered() })
    }

    @Test("the right key with another's id, and with another's role, is refused and harms nobody")
    func impostors() throws {
        let fortress = try Fortress()
        let conversation = fortress.conversation
        let honest = try fortress.add("device-1", fortress.enroll("device-1"))
        let key = try fortress.enroll("device-2")
        let impostor = try fortress.add("device-1", key)
        #expect(try conversation.until { try honest.isAnswered() })
        #expect(try conversation.until { impostor.link.isConnected })
        _ = try impostor.link.send(.hello(.init(samples: 1)))
        #expect(try conversation.until { conversation.refused == [.unknownSender("device-1")] })
        // What is meant for the honest one still goes there.
        #expect(try conversation.server.send(.heartbeatReply(time: 99), to: "device-1"))
        #expect(try conversation.until { honest.answers.contains(99) })
        #expect(!impostor.answers.contains(99))
        let counted = try conversation.server.refusals().entries
        #expect(counted == [.foreignSender: .init(count: 1, last: "device-2")])

        let device = try fortress.add("device-2", key)
        let worker = try fortress.add("worker-2", fortress.enroll("worker-2", role: .worker))
        #expect(try conversation.until { device.link.isConnected && worker.link.isConnected })
        conversation.refused = []
        for body in [
            Body.handedOver(.init(step: 1, messages: 1)), .register(.init(role: .worker, samples: 0, threads: 1)),
            .recipeRequest(.worker),
        ] {
            _ = try device.link.send(body)
        }
        _ = try worker.link.send(.register(.init(role: .device, samples: 0, threads: 1)))
        #expect(try conversation.until { conversation.refused.count == 4 })
        #expect(conversation.refused.filter { $0 == .wrongRole("device-2") }.count == 3)
        #expect(conversation.refused.filter { $0 == .wrongRole("worker-2") }.count == 1)
        #expect(try conversation.server.refusals().entries[.message(.wrongRole)]?.count == 4)
        _ = try device.link.send(.register(.init(role: .device, samples: 0, threads: 1)))
        _ = try worker.link.send(.handedOver(.init(step: 1, messages: 1)))
        #expect(try conversation.until { conversation.heard.contains { $0.sender == "worker-2" } })
        #expect(
            try conversation.until {
                conversation.heard.contains { $0.sender == "device-2" && $0.body.name == "Register" }
            })
    }

    @Test("who has no keys, or expects another server, gets nowhere")
    func noKeys() throws {
        let fortress = try Fortress()
        let conversation = fortress.conversation
        let plain = try conversation.add("device-1", security: .insecure)
        let key = try fortress.enroll("device-1")
        let misled = try conversation.add(
            "device-1", security: .client(key, server: CurveKeyPair.generate().publicKey))
        #expect(try conversation.until { !plain.refusals.isEmpty && !misled.refusals.isEmpty })
        #expect(
            try conversation.until {
                try conversation.server.refusals().entries[.malformedHandshake]?.count ?? 0 >= 2
            })
        #expect(plain.sessions.isEmpty && misled.sessions.isEmpty && conversation.heard.isEmpty)
    }

    @Test("without an answer of the authenticator nobody is let in")
    func noAuthenticator() throws {
        // The authenticator of another context: handshakes of this one have none, which ZeroMQ takes for consent.
        let elsewhere = try Authenticator(context: ZeroMQContext())
        let pair = try CurveKeyPair.generate(), key = try CurveKeyPair.generate()
        elsewhere.enroll(key.publicKey, as: EnrolledPeer(role: .device, id: "device-1"), in: "d")
        let conversation = try Conversation(security: .server(pair, elsewhere, domain: "d"))
        let end = try conversation.add("device-1", security: .client(key, server: pair.publicKey))
        #expect(
            try conversation.until { try end.speak() != nil && !conversation.refused.isEmpty || !end.refusals.isEmpty })
        #expect(conversation.heard.isEmpty)
        #expect(conversation.refused.allSatisfy { $0 == .notEnrolled("device-1") })
    }

    @Test("500 half-open connections do not keep an honest peer out, and are let go")
    func halfOpen() throws {
        let fortress = try Fortress(handshakeTimeout: .seconds(3))
        let strangers = (0..<500).compactMap { number -> Stranger? in
            let stranger = Stranger.connected(to: fortress.conversation.endpoint)
            // A third says nothing, a third half a greeting, a third a whole one.
            stranger?.say(Array(ZMTP.greeting("CURVE").prefix(number % 3 * 32)))
            return stranger
        }
        #expect(strangers.count == 500)
        let honest = try fortress.add("device-1", fortress.enroll("device-1"))
        #expect(try fortress.conversation.until { try honest.isAnswered() })
        #expect(try fortress.conversation.until { fortress.conversation.server.connections.accepted >= 501 })
        #expect(honest.sessions.count == 1)
        // Their handshakes take too long.
        #expect(
            try fortress.conversation.until {
                try fortress.conversation.server.refusals().entries[.unfinishedHandshake]?.count ?? 0 >= 500
            })
        #expect(try fortress.conversation.server.refusals().entries == [.unfinishedHandshake: .init(count: 500)])
        #expect(try fortress.conversation.until { try honest.isAnswered() })
        #expect(honest.events == [.connected])
    }

    @Test("random and mutated bytes at a listening socket are refused and counted, and the honest peer goes on")
    func noise() throws {
        let fortress = try Fortress(handshakeTimeout: .seconds(2))
        let conversation = fortress.conversation
        let honest = try fortress.add("device-1", fortress.enroll("device-1"))
        #expect(try conversation.until { try honest.isAnswered() })
        var generator = SeededGenerator(seed: 77, stream: "strangers")
        let files = openFiles()
        var frames = 0
        for number in 0..<1000 {
            guard let stranger = Stranger.connected(to: conversation.endpoint) else {
                Issue.record("connection \(number) could not be made")
                break
            }
            var bytes = ZMTP.greeting(["CURVE", "NULL", "PLAIN", ""][number % 4])
            for _ in 0..<10 {
                frames += 1
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes += ZMTP.curveHello(&generator)
                case 1: bytes += ZMTP.ready
                case 2: bytes += ZMTP.message(randomBytes(600, &generator), more: .random(using: &generator))
                default: bytes += randomBytes(100, &generator)
                }
            }
            for _ in 0..<(number % 5) {
                bytes[.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if number % 50 == 0 { bytes = randomBytes(2000, &generator) }
            stranger.say(bytes)
            if number % 50 == 0 { #expect(try conversation.until { try honest.isAnswered() }) }
        }
        #expect(frames == 10_000)
        let server = conversation.server
        #expect(
            try conversation.until {
                server.connections.accepted >= 1001 && server.connections.ended >= 1000 && openFiles() <= files
            }, "\(server.connections), \(openFiles()) open files after \(files)")
        #expect(server.connections.completed == 1)
        // Each of them, whatever became of it.
        #expect(try conversation.until { try server.refusals().total(ofMessages: false) >= 1000 })
        #expect(try server.refusals().total(ofMessages: false) == 1000)
        #expect(conversation.refused.isEmpty && conversation.heard.allSatisfy { $0.sender == "device-1" })
        #expect(honest.events == [.connected])
    }

    @Test(
        "10,000 random and mutated messages of a peer that got in are refused one by one, and the honest peer goes on")
    func messages() throws {
        let conversation = try Conversation()
        let honest = try conversation.add("device-1")
        #expect(try conversation.until { try honest.isAnswered() })
        let stranger = try #require(Stranger.connected(to: conversation.endpoint))
        #expect(stranger.say(ZMTP.greeting("NULL") + ZMTP.ready))
        #expect(try conversation.until { conversation.server.connections.completed == 2 })
        var generator = SeededGenerator(seed: 78, stream: "strangers")
        let whole = Envelope(run: "other", sender: "device-1", body: .hello(.init(samples: 3))).encode()
        for number in 1...10_000 {
            var bytes = whole
            if number % 2 == 0 {
                bytes[.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            } else {
                bytes = randomBytes(400, &generator)
            }
            try #require(stranger.say(ZMTP.message(bytes)))
            if number % 500 == 0 {
                try #require(
                    try conversation.until { conversation.refused.count == number },
                    "\(conversation.refused.count) of \(number) refused, \(conversation.server.connections)")
                #expect(try conversation.until { try honest.isAnswered() })
            }
        }
        #expect(conversation.refused.count == 10_000)
        // Without keys nobody is sure who it was.
        let refusals = try conversation.server.refusals()
        #expect(refusals.total(ofMessages: true) == 10_000 && refusals.entries.values.allSatisfy { $0.last == nil })
        #expect(honest.events == [.connected])
    }

    private func openFiles() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }
}
