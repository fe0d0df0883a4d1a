import Coordinator
import Foundation
import Ledger
import Queueing
import Randomness
import Testing
import Wire

/// Whoever should not be there, beside a live run with keys.
@Suite("Strangers", .serialized, .timeLimit(.minutes(5)))
struct StrangersTests {
    /// Messages at each socket; `scripts/chaos` asks for more.
    private static let frames =
        ProcessInfo.processInfo.environment["PERMAFROST_STRANGER_FRAMES"].flatMap { Int($0) } ?? 5000

    private let gate = StepGate(after: 3)
    private let distributed: DistributedRun
    private let run: TinyRun
    private let context: ZeroMQContext
    private let operations: Ledger
    /// Where worker and coordinator listen, by id.
    private let endpoints: [String: String]

    /// A run whose training waits after some steps. Keys of ids that are in no plan are enrolled too.
    init() throws {
        var distributed = try DistributedRun(.curve, gate: gate)
        run = distributed.run
        context = try run.site.context()
        let endpoint = try run.site.freeEndpoint("worker")
        endpoints = ["coordinator": run.endpoint, "worker": endpoint]
        try run.site.enroll(["unplanned"], as: .device)
        try run.site.enroll(["spare"], as: .worker)
        operations = try #require(try run.site.ledger(.operations))
        try run.startCoordinator()
        try distributed.startWorker { $0.endpoint = endpoint }
        for id in ["strong", "weak"] { try distributed.startDevice(id) }
        self.distributed = distributed
        #expect(gate.holds())
    }

    /// The run goes on, has not noticed anything, and has written down nothing of what it should not.
    private func goOn() throws {
        gate.open()
        try distributed.expectUndisturbed()
        try run.expectNoSecretsInLogs()
    }

    /// A peer with the key of one id that calls itself another.
    private func peer(
        _ key: String, as id: String? = nil, at role: String = "coordinator", run name: String = "run"
    ) throws -> HandLink {
        try HandLink(
            id ?? key, context: context, endpoint: try #require(endpoints[role]),
            security: try run.site.reaching(role, as: key), run: name)
    }

    private func refusal(of body: Body, from peer: HandLink) throws -> ProtocolError? {
        try peer.say(body)
        return ProtocolError(rawValue: try peer.next(\.rejection))
    }

    @Test("unknown and revoked keys do not get in; who was in is refused from the revocation on")
    func keys() throws {
        for role in ["coordinator", "worker"] {
            // Neither is in a plan, and the worker lets in nobody else.
            let keys = role == "worker" ? ["nobody", "unplanned", "spare"] : ["nobody"]
            for key in keys { try peer(key, at: role).refused() }
            // Each of their attempts, and nothing else that the authenticator was asked.
            let site = run.site
            let counted = try run.refusals(by: role) {
                $0.reasons["unknownKey"] == site.authentications(of: role)?.refused
            }
            #expect(counted["unknownKey", default: 0] >= keys.count && counted["revokedKey"] == nil)
        }
        let plain = try HandLink("strong", context: context, endpoint: run.endpoint, security: .insecure)
        try plain.refused()
        // Malformed, or unfinished when the stranger has seen first that they do not fit, and left.
        try run.refusals(by: "coordinator") { $0.handshakes > $0.reasons["unknownKey", default: 0] }

        let spare = try peer("spare")
        try spare.say(.register(.init(role: .worker, samples: 0, threads: 1, endpoint: "tcp://127.0.0.1:1")))
        #expect(run.events.waits { $0 == .registered(id: "spare", samples: nil) })
        try operations.revoke(id: "spare", role: .worker)
        // Recorded means heeded. The suite's time limit ends this if it never is.
        while try operations.state(of: "run").workers.first(where: { $0.id == "spare" })?.state != .failed {
            Nap.short()
        }
        #expect(try refusal(of: .heartbeat(time: 1), from: spare) == .notEnrolled)
        try peer("spare").refused()
        try run.refusals(by: "coordinator") { $0.reasons["revokedKey"] != nil && $0.reasons["notEnrolled"] == 1 }
        try goOn()
        let lines = try operations.events(of: "run").filter { $0.level == .warning }.map(\.text)
        #expect(lines.contains { $0.hasPrefix("refused ") && $0.hasSuffix("The key was revoked; the last by spare") })
        #expect(run.workerEvents.all.contains { if case .refused = $0.event { true } else { false } })
    }

    @Test("a key speaks for its own id and in its own role alone")
    func impostors() throws {
        let registration = Body.register(.init(role: .device, samples: 17, threads: 1))
        let hello = Body.hello(.init(samples: 17))
        #expect(try refusal(of: registration, from: peer("weak", as: "strong")) == .unknownSender)
        #expect(try refusal(of: registration, from: peer("unplanned")) == .unknownSender)
        #expect(try refusal(of: hello, from: peer("weak", as: "strong", at: "worker")) == .unknownSender)
        #expect(try refusal(of: hello, from: peer("weak", as: "worker", at: "worker")) == .unknownSender)
        let asWorker = Body.register(.init(role: .worker, samples: 0, threads: 1, endpoint: "tcp://127.0.0.1:1"))
        #expect(try refusal(of: asWorker, from: peer("unplanned")) == .wrongRole)
        #expect(try refusal(of: registration, from: peer("spare")) == .wrongRole)
        let finished = Body.WorkerFinished(
            steps: 16, epochs: 2, tokens: 1, samples: 58, seconds: 1, bytesUp: 1, bytesDown: 1)
        for body in [Body.workerFinished(finished), .handedOver(.init(step: 16, messages: 1))] {
            #expect(try refusal(of: body, from: peer("unplanned")) == .wrongRole)
        }
        let piece = Body.HandoverFile(sequence: 1, step: 9, name: "values", offset: 0, bytes: 4, checksum: 0)
        #expect(try refusal(of: .handoverFile(piece), from: peer("weak", at: "worker")) == .wrongRole)
        // Each of them, and nothing else.
        for (role, expected) in [
            ("coordinator", ["foreignSender": 1, "unknownSender": 1, "wrongRole": 4]),
            ("worker", ["foreignSender": 2, "wrongRole": 1]),
        ] {
            let counted = try run.refusals(by: role) { $0.messages >= expected.values.reduce(0, +) }
            #expect(counted.filter { expected.keys.contains($0.key) } == expected, "\(counted)")
        }
        try goOn()
    }

    @Test("frames of yesterday, with the right key, change nothing")
    func replays() throws {
        let hostile = HostilePeer(id: "weak", examples: TinyShards.shards["weak"] ?? [], run: run)
        var message = try hostile.message(sample: 3, cut: 0)
        message.set(0, to: 0.5)
        // What belongs to another session is answered where its sender introduced himself, and ignored there. What
        // belongs to another run is answered here: it shows that what came before has been looked at.
        let weak = try peer("weak", at: "worker")
        try weak.connect()
        for body in [Body.activations(message.activations), .finished(.init(messages: 1, samples: 1))] {
            for run in ["run", "yesterday"] {
                let envelope = Envelope(run: run, sender: "weak", session: 77, body: body)
                #expect(try weak.send([envelope.encode()] + message.payloads))
            }
            #expect(try weak.next(\.rejection) == ProtocolError.unknownRun.rawValue)
        }
        let coordinator = try peer("weak")
        let progress = Body.DeviceProgress(
            publishedSamples: 1, tokens: 1, computeNanoseconds: 1, bytesUp: 1, bytesDown: 1, finished: false)
        try coordinator.say(.deviceProgress(progress))
        let yesterday = try peer("weak", run: "yesterday")
        #expect(try refusal(of: .deviceProgress(progress), from: yesterday) == .unknownRun)
        for (role, count) in [("worker", 2), ("coordinator", 1)] {
            let counted = try run.refusals(by: role) { $0.messages >= 2 * count }
            #expect(counted["unknownRun"] == count && counted["unknownSession", default: 0] >= count, "\(counted)")
        }
        try goOn()
    }

    @Test(
        "random and mutated messages under a key that is enrolled are refused, however many",
        arguments: [1] as [UInt64])
    func frames(seed: UInt64) throws {
        for (role, key) in [("coordinator", "unplanned"), ("worker", "weak")] {
            var generator = SeededGenerator(seed: seed, stream: "strangers/\(role)")
            let bases = try StrangerFrames.bases(sender: key, run: run)
            let before = try run.messagesRefused(by: role)
            let stranger = try peer(key, at: role)
            try stranger.connect()
            var sent = 0, refused = 0
            while sent < Self.frames {
                while let answer = try? stranger.received() { refused += answer.reject == nil ? 0 : 1 }
                let frames = StrangerFrames.next(bases, &generator)
                // Whoever has a device's key may introduce himself as it; that is no stranger.
                if role == "worker", StrangerFrames.isIntroduction(frames, of: key) { continue }
                if try stranger.send(frames) {
                    sent += 1
                } else {
                    try stranger.connect()
                    Nap.short()
                }
            }
            #expect(refused > 0, "seed \(seed)")
            // Every one of them is counted, once, whether there was room for an answer or not. A busy machine may
            // besides have cut an honest role off, which is then told to introduce itself again.
            if stranger.events == [.connected] {
                try run.refusals(by: role) { $0.messages - before >= sent }
                #expect((0...8).contains(try run.messagesRefused(by: role) - before - sent), "seed \(seed)")
            }
            // Whoever speaks properly is still heard.
            let polite = try peer("spare")
            try polite.say(.recipeRequest(.worker))
            _ = try polite.next(\.recipe)
        }
        try goOn()
    }

    @Test("bytes that are no protocol, and 500 connections that stay half open, keep nobody out")
    func connections() throws {
        var generator = SeededGenerator(seed: 1, stream: "strangers/bytes")
        var held: [RawConnection] = []
        for endpoint in endpoints.values {
            for _ in 0..<100 {
                let connection = try RawConnection(endpoint)
                var bytes = Bool.random(using: &generator) ? RawConnection.greeting : []
                bytes += (0..<Int.random(in: 1...400, using: &generator)).map { _ in
                    UInt8.random(in: .min ... .max, using: &generator)
                }
                connection.send(bytes)
            }
            for index in 0..<500 {
                let connection = try RawConnection(endpoint)
                connection.send(Array(RawConnection.greeting.prefix(index % 65)))
                held.append(connection)
            }
        }
        // Beside all of them a new one gets in.
        let late = try peer("unplanned")
        try late.say(.recipeRequest(.device))
        #expect(try late.next(\.rejection) == ProtocolError.unknownSender.rawValue)
        for role in endpoints.keys {
            let counted = try run.refusals(by: role) { $0.handshakes >= 600 }
            #expect(counted["unfinishedHandshake", default: 0] >= 500, "\(counted)")
        }
        try goOn()
        withExtendedLifetime(held) {}
    }
}
