import Diagnostics
import Faults
import Foundation
import Methods
import Queueing
import Synchronization
import Tensors
import Testing
import Wire

@testable import Exchange

@Suite("Loops of a method's programs", .timeLimit(.minutes(2)))
struct ProgramLoopTests {
    @Test("messages that are lost, doubled, late and overtaken change nothing", arguments: [3, 5] as [UInt64])
    func faults(seed: UInt64) throws {
        let scene = try LoopScene(devices: 3, rounds: 20)
        var faults = MessageFaults()
        (faults.drop, faults.duplicate, faults.delay, faults.reorder) = (0.05, 0.05, 0.1, 0.1)
        let proxies = try scene.ids.indices.map {
            try MessageFaultProxy(
                context: scene.context, endpoint: "inproc://faults-\(seed)-\($0)", upstream: scene.server.endpoint,
                seed: seed &+ UInt64($0), faults: faults)
        }
        let outcome = try scene.run(endpoints: proxies.map(\.endpoint))
        #expect(outcome.isCompleted)
        #expect(scene.sums == scene.expected)
        #expect(proxies.allSatisfy { $0.counts.dropped > 0 }, "nothing was lost")
    }

    @Test("connections that are reset in the middle of a run are made again, and it goes on")
    func resets() throws {
        let scene = try LoopScene(devices: 2, rounds: 30, endpoint: "tcp://127.0.0.1:*")
        let proxies = try scene.ids.map { _ in try TCPFaultProxy(upstream: scene.server.endpoint) }
        let outcome = try scene.run(endpoints: proxies.map(\.endpoint)) { round in
            if round % 10 == 5 { proxies[round / 10 % 2].resetConnections() }
        }
        #expect(outcome.isCompleted)
        #expect(scene.sums == scene.expected)
    }

    @Test("a network in which a greeting's answer is long on its way carries every message once")
    func farAway() throws {
        func messageBytes(delay: Duration) throws -> Int {
            let scene = try LoopScene(devices: 2, rounds: 3, endpoint: "tcp://127.0.0.1:*", settings: .init())
            let proxies = try scene.ids.map { _ in try TCPFaultProxy(upstream: scene.server.endpoint) }
            for proxy in proxies { proxy.change { $0.delay = delay } }
            let outcome = try scene.run(endpoints: proxies.map(\.endpoint))
            #expect(outcome.isCompleted && scene.sums == scene.expected)
            return outcome.totals.messageBytesSent
        }
        // A device asks again after 0.3 s.
        #expect(try messageBytes(delay: .milliseconds(400)) == messageBytes(delay: .zero))
    }

    @Test("a device that cannot go on ends the run with its own error and name")
    func failure() throws {
        let scene = try LoopScene(devices: 2, rounds: 20, failingRound: 4)
        let failure = Body.Failure(MethodError.notFinite(name: "loss"))
        #expect(throws: ExchangeError.deviceFailed("device-2", failure)) { try scene.run() }
        #expect(ExchangeError.deviceFailed("device-2", failure).exitCode == .diverged)
    }

    @Test("a device that is never there is named once it was silent for too long")
    func silence() throws {
        let scene = try LoopScene(devices: 2, rounds: 3, silenceLimit: .milliseconds(500))
        #expect(throws: ExchangeError.deviceSilent("device-2", seconds: 0.5)) { try scene.run(only: [0]) }
    }

    @Test("a device that comes back as another process ends the run")
    func restart() throws {
        let scene = try LoopScene(devices: 1, rounds: 3)
        let link = Link(context: scene.context, run: "run", sender: "device-1")
        try link.connect(scene.server.endpoint, security: .none)
        #expect(try link.event() == .connected)
        for life in [1, 2] as [UInt64] {
            try link.send(.methodGreeting(.init(life: life, next: .init())))
        }
        #expect(throws: ExchangeError.deviceRestarted("device-1")) { try scene.run(only: []) }
    }

    @Test("a server to which a device comes with messages of an earlier one knows that it was started again")
    func serverRestart() throws {
        let scene = try LoopScene(devices: 1, rounds: 3)
        let link = Link(context: scene.context, run: "run", sender: "device-1")
        try link.connect(scene.server.endpoint, security: .none)
        #expect(try link.event() == .connected)
        try link.send(.methodGreeting(.init(life: 1, next: .init(number: 3))))
        #expect(throws: ExchangeError.serverRestarted(endpoint: scene.server.endpoint)) { try scene.run(only: []) }
        #expect(ExchangeError.serverRestarted(endpoint: "").exitCode == .workerLost)
    }

    @Test("what is hostile is refused with a number, and a device that sends nothing else is named")
    func hostile() throws {
        let scene = try LoopScene(devices: 1, rounds: 3)
        let link = Link(context: scene.context, run: "run", sender: "device-1")
        try link.connect(scene.server.endpoint, security: .none)
        #expect(try link.event() == .connected)
        let part = Body.MethodPart(
            place: .init(), parts: 1, checksum: 0, content: MethodMessage(.update, step: 1).content)
        // Before a greeting, and as somebody else.
        try link.send(.methodPart(part))
        let stranger = Link(context: scene.context, run: "run", sender: "stranger")
        try stranger.connect(scene.server.endpoint, security: .none)
        #expect(try stranger.event() == .connected)
        try stranger.send(.methodGreeting(.init(life: 1, next: .init())))
        try link.send(.methodGreeting(.init(life: 1, next: .init())))
        try link.send(.hello(.init(samples: 1)))
        for _ in 0..<3 { try link.send(.methodPart(part), payload: Frame([1, 2, 3, 4])) }
        let error = WireError.wrongPayloadLength(bytes: 4, expected: 0)
        #expect(throws: ExchangeError.refused(peer: "device device-1", error)) { try scene.run(only: []) }
        #expect(try refusals(link) == [12, 6, 23, 23, 23])
        #expect(try refusals(stranger) == [11])
    }

    @Test("a run that is stopped ends after what is under way, and its devices leave")
    func stopping() throws {
        let scene = try LoopScene(devices: 2, rounds: 1000)
        let outcome = try scene.run { if $0 == 3 { scene.stop.request() } }
        #expect(!outcome.isCompleted)
    }

    private func refusals(_ link: Link) throws -> [UInt32] {
        var numbers: [UInt32] = []
        while case .message(let envelope, _, _) = try link.receive() {
            if case .reject(let reject) = envelope.body { numbers.append(reject.number) }
        }
        return numbers
    }
}
