import Randomness
import Synchronization
import Testing
import Wire

@testable import Queueing

@Suite("The authenticator", .timeLimit(.minutes(1)))
struct AuthenticatorTests {
    private let key: CurvePublicKey
    private let request: [[UInt8]]

    init() throws {
        key = try CurveKeyPair.generate().publicKey
        request = [
            [], Array("1.0".utf8), [1], Array("d".utf8), Array("127.0.0.1".utf8), [], Array("CURVE".utf8), key.bytes,
        ]
    }

    @Test("a request is read and answered as ZAP 1.0 says")
    func answers() throws {
        let read = try #require(ZAPRequest(frames: request))
        #expect(read.key == key && read.domain == "d" && read.address == "127.0.0.1" && read.id == [1])
        let accepted = read.accepted(EnrolledPeer(role: .device, id: "gateway-7"))
        #expect(accepted.prefix(5) == [[], Array("1.0".utf8), [1], Array("200".utf8), Array("OK".utf8)])
        #expect(accepted[5] == Array("device:gateway-7".utf8))
        #expect(accepted[6] == [5] + Array("X-Key".utf8) + [0, 0, 0, 40] + Array(key.z85.utf8))
        #expect(read.refused()[3] == Array("400".utf8) && read.refused()[5].isEmpty && read.refused()[6].isEmpty)
        #expect(EnrolledPeer(userID: "worker:a:b") == EnrolledPeer(role: .worker, id: "a:b"))
        for text in ["", "device", "root:x", "Device:x"] { #expect(EnrolledPeer(userID: text) == nil) }
    }

    @Test("requests that are none do not end it, and are counted")
    func malformed() throws {
        let context = try ZeroMQContext()
        let authenticator = try Authenticator(context: context)
        authenticator.enroll(key, as: EnrolledPeer(role: .device, id: "a"), in: "d")
        let asking = try Socket(
            .dealer, context: context,
            options: {
                var options = SocketOptions()
                options.highWaterMark = 0
                return options
            }())
        try asking.connect(Authenticator.endpoint)
        var generator = SeededGenerator(seed: 42, stream: "zap")
        for _ in 0..<3000 {
            var frames = request
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: frames.remove(at: .random(in: 0..<frames.count, using: &generator))
            case 1: frames.insert([0xFF, 0xFE], at: .random(in: 0..<frames.count, using: &generator))
            case 2: frames = (0..<Int.random(in: 1...20, using: &generator)).map { _ in randomBytes(40, &generator) }
            default: frames[.random(in: 0..<frames.count, using: &generator)] = randomBytes(300, &generator)
            }
            #expect(try asking.send(frames.map { Frame($0) }))
        }
        #expect(try asking.send(request.map { Frame($0) }))
        // Some of those were requests all the same, with another domain or address; the last answer is to the whole one.
        var isAnswered = false
        while !isAnswered {
            let message = try #require(try next(asking))
            isAnswered = message.frames[3].bytes == Array("200".utf8) && message.frames[2].bytes == [1]
        }
        #expect(authenticator.counts.malformed > 1500)
    }

    @Test("refused handshakes are counted by domain and reason, and a key that was let in once is known again")
    func refusals() throws {
        var enrollment = Enrollment()
        let read = try #require(ZAPRequest(frames: request))
        for _ in 0..<5000 { #expect(enrollment.decide(read) == nil) }
        let unknown = enrollment.refusals(in: "d").entries
        #expect(unknown.count == 1 && unknown[.unknownKey]?.count == 5000 && enrollment.counts.refused == 5000)
        #expect(unknown[.unknownKey]?.last == "127.0.0.1 with the fingerprint \(key.fingerprint)")
        let peer = EnrolledPeer(role: .device, id: "gateway-7")
        let ends: [(inout Enrollment) -> Void] = [
            { [key] in $0.revoke(key, in: "d") }, { $0.replace([:], revoked: [:], in: "d") },
            { [key] in $0.replace([:], revoked: [key: peer], in: "d") },
        ]
        for (index, end) in ends.enumerated() {
            enrollment.replace([key: peer], revoked: [:], in: "d")
            #expect(enrollment.decide(read) == peer)
            end(&enrollment)
            #expect(enrollment.decide(read) == nil)
            #expect(
                enrollment.refusals(in: "d").entries[.revokedKey] == .init(count: index + 1, last: "gateway-7"))
        }
        // Whom an earlier process let in, this one has been told.
        var other = Enrollment()
        other.replace([:], revoked: [key: peer], in: "d")
        #expect(other.decide(read) == nil && other.refusals(in: "d").entries[.revokedKey]?.last == "gateway-7")
        #expect(other.refusals(in: "e").entries.isEmpty)
    }

    @Test("domains know nothing of each other, and a table is replaced as a whole")
    func domains() throws {
        let context = try ZeroMQContext()
        let authenticator = try Authenticator(context: context)
        #expect(throws: TransportError.self) { try Authenticator(context: context) }
        let peer = EnrolledPeer(role: .worker, id: "w")
        authenticator.enroll(key, as: peer, in: "a")
        #expect(authenticator.peer(of: key, in: "a") == peer && authenticator.peer(of: key, in: "b") == nil)
        let other = try CurveKeyPair.generate().publicKey
        authenticator.replace([other: peer], in: "a")
        #expect(authenticator.peer(of: key, in: "a") == nil && authenticator.peer(of: other, in: "a") == peer)
        authenticator.remove(domain: "a")
        #expect(authenticator.peer(of: other, in: "a") == nil)
    }

    @Test("when it has ended, the context can have another")
    func another() throws {
        let context = try ZeroMQContext()
        for _ in 0..<20 { _ = try Authenticator(context: context) }
    }
}

/// Up to so many random bytes.
func randomBytes(_ most: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<Int.random(in: 0...most, using: &generator)).map { _ in .random(in: 0...255, using: &generator) }
}
