import Diagnostics
import Foundation
import Ledger
import Queueing
import Synchronization
import Testing
import Wire

@testable import Coordinator

/// A coordinator on a thread of its own, and how it ended.
private final class Host: Sendable {
    private let coordinator: Coordinator
    private let bound = Mutex("")
    private let listening = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<CoordinatorOutcome, any Error>?>(nil)

    init(_ configuration: Coordinator.Configuration, context: ZeroMQContext, ledger: Ledger) throws {
        coordinator = try Coordinator(configuration, context: context, ledger: ledger)
        Thread { [self] in
            let outcome = Result {
                try coordinator.run { endpoint in
                    bound.withLock { $0 = endpoint }
                    listening.signal()
                } observer: { _ in
                }
            }
            result.withLock { $0 = outcome }
            listening.signal()
            ended.signal()
        }.start()
        listening.wait()
    }

    var endpoint: String { bound.withLock { $0 } }

    func stop() { coordinator.stop() }

    /// How the run ended. Waits no longer than half a minute.
    func outcome() throws -> CoordinatorOutcome? {
        guard ended.wait(timeout: .now() + 30) == .success else { return nil }
        return try result.withLock { try $0?.get() }
    }
}

/// The coordinator over TCP, with devices and workers that a test leads by hand and a ledger in a folder of its own.
@Suite("Coordinator over sockets", .serialized, .timeLimit(.minutes(2)))
struct CoordinatorLoopTests {
    private static let configuration = {
        var configuration = Coordinator.Configuration(
            run: "run", endpoint: "tcp://127.0.0.1:*", devices: [.init(id: "a", cut: 2), .init(id: "b", cut: 4)],
            seed: 7, silenceLimit: .seconds(60))
        configuration.losses = .wait
        configuration.security = .insecure
        configuration.recipe = "name: tiny"
        return configuration
    }()

    /// A folder for a body, deleted afterwards.
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func peer(
        _ id: String, _ context: ZeroMQContext, _ host: Host, session: UInt64 = 1,
        security: SocketSecurity = .insecure
    ) throws -> HandPeer {
        let peer = try HandPeer(.dealer, context: context, id: id, security: security)
        peer.session = session
        try peer.channel.connect(host.endpoint)
        return peer
    }

    /// A peer that has registered.
    private func registered(
        _ id: String, _ context: ZeroMQContext, _ host: Host, session: UInt64 = 1
    ) throws -> HandPeer {
        let peer = try peer(id, context, host, session: session)
        try peer.say(DistributedMachineTests.registration(id))
        return peer
    }

    @Test("a run from the recipe to the last goodbye; what it recorded is in the ledger")
    func wholeRun() throws {
        try withFolder { folder in
            let context = try ZeroMQContext()
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            let host = try Host(Self.configuration, context: context, ledger: ledger)
            let early = try peer("b", context, host)
            early.channel.run = ""
            try early.say(.recipeRequest(.device))
            #expect(try early.next(\.recipe) == .init(recipe: "name: tiny", number: 1))
            let worker = try registered("w1", context, host)
            let devices = try ["a", "b"].map { try registered($0, context, host) }
            for device in devices { #expect(try device.next(\.assignment).worker == "w1") }
            _ = try worker.next { $0.runPlan?.devices.allSatisfy { $0.samples > 0 } == true ? true : nil }
            for step in 1...3 as ClosedRange<UInt64> {
                try worker.say(.stepReport(CoordinatorMachineTests.report(step)))
                #expect(try worker.next(\.recordedStep) == step)
                // Confirmed means recorded: another connection reads it.
                #expect(try Ledger(folder: folder.path, access: .reading).run("run").step == Int(step))
            }
            try worker.say(.workerFinished(CoordinatorMachineTests.totals))
            for peer in devices + [worker] {
                #expect(try peer.next(\.stop).reason == "the run is complete")
                try peer.say(.goodbye(reason: "done"))
            }
            #expect(try host.outcome() == .completed(CoordinatorMachineTests.totals))
            let state = try ledger.state(of: "run")
            #expect(state.run.state == .completed && state.run.exitCode == 0 && state.devices.map(\.samples) == [5, 9])
            #expect(try ledger.verifyChain("run") == 3)
        }
    }

    @Test("a coordinator that died goes on: peers are asked to register, get the same, and no step is told twice")
    func restarted() throws {
        try withFolder { folder in
            let context = try ZeroMQContext()
            let states = ["before", "after"].map { folder.appendingPathComponent($0) }
            let ledger = try Ledger(folder: states[0].path, access: .coordinator)
            let first = try Host(Self.configuration, context: context, ledger: ledger)
            let worker = try registered("w1", context, first)
            let devices = try ["a", "b"].map { try registered($0, context, first) }
            let assignments = try devices.map { try $0.next(\.assignment) }
            try worker.say(.stepReport(CoordinatorMachineTests.report(1)))
            #expect(try worker.next(\.recordedStep) == 1)

            // What kill -9 leaves behind. The head goes first, for it may be behind the ledger and never before it.
            try FileManager.default.createDirectory(at: states[1], withIntermediateDirectories: true)
            let files = try FileManager.default.contentsOfDirectory(atPath: states[0].path)
            for file in files.sorted(by: { $0.contains("head") && !$1.contains("head") }) {
                try FileManager.default.copyItem(
                    at: states[0].appendingPathComponent(file), to: states[1].appendingPathComponent(file))
            }
            let second = try Host(
                Self.configuration, context: context, ledger: try Ledger(folder: states[1].path, access: .coordinator))
            var returned: [HandPeer] = []
            for (id, assignment) in zip(["a", "b"], assignments) {
                let device = try peer(id, context, second)
                returned.append(device)
                try device.say(.heartbeat(time: 5))
                #expect(try device.next().body == .registerAgain)
                device.session = 2
                try device.say(DistributedMachineTests.registration(id))
                let answer = try device.next()
                #expect(answer.assignment == assignment && answer.session == 2)
            }
            let again = try registered("w1", context, second, session: 2)
            #expect(try again.next(\.runPlan).devices.map(\.samples) == [5, 9])
            try again.say(.stepReport(CoordinatorMachineTests.report(1)))
            #expect(try again.next(\.recordedStep) == 1)
            try again.say(.stepReport(CoordinatorMachineTests.report(2)))
            #expect(try again.next(\.recordedStep) == 2)
            let steps = try Ledger(folder: states[1].path, access: .reading).steps(of: "run")
            #expect(steps.map(\.step) == [1, 2] && steps.map(\.retaken) == [1, 0])
            for (host, peers) in [(first, devices + [worker]), (second, returned + [again])] {
                host.stop()
                for peer in peers {
                    _ = try peer.next(\.stop)
                    try peer.say(.goodbye(reason: "the test is over"))
                }
                #expect(try host.outcome() == .interrupted(nil))
            }
        }
    }

    @Test("orders of another process are heeded: a worker hands over, then the run stops")
    func orders() throws {
        try withFolder { folder in
            let context = try ZeroMQContext()
            let host = try Host(
                Self.configuration, context: context, ledger: try Ledger(folder: folder.path, access: .coordinator))
            let operations = try Ledger(folder: folder.path, access: .operations)
            let old = try registered("w1", context, host)
            _ = try old.next(\.runPlan)
            let device = try registered("a", context, host)
            #expect(try device.next(\.assignment).worker == "w1")
            let new = try registered("w2", context, host)
            try new.say(.heartbeat(time: 1))
            _ = try new.next()
            try operations.orderDrain(of: "w1", run: "run")
            #expect(try old.next(\.drain).successor == "w2")
            #expect(try new.next(\.runPlan).predecessor == "w1")
            try new.say(DrainTests.everything)
            #expect(try new.next(\.runPlan).predecessor == "")
            #expect(try device.next(\.assignment).worker == "w2")
            #expect(try old.next(\.stop).reason == "w2 has taken over")
            try old.say(.goodbye(reason: "handed over"))
            try operations.orderStop(of: "run")
            for peer in [new, device] { _ = try peer.next(\.stop) }
            try new.say(.workerFinished(CoordinatorMachineTests.totals))
            for peer in [new, device] { try peer.say(.goodbye(reason: "stopped")) }
            #expect(try host.outcome() == .interrupted(CoordinatorMachineTests.totals))
            #expect(try operations.run("run").state == .interrupted)
        }
    }

    @Test("keys of the ledger are let in, and a revoked one is refused at once on its open connection")
    func keys() throws {
        try withFolder { folder in
            let context = try ZeroMQContext()
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            let (server, device) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
            let operations = try Ledger(folder: folder.path, access: .operations)
            try operations.enroll(id: "a", role: .device, publicKey: device.publicKey.z85)
            var configuration = Self.configuration
            configuration.security = .server(server, try Authenticator(context: context), domain: "coordinator")
            let host = try Host(configuration, context: context, ledger: ledger)
            let peer = try peer(
                "a", context, host, security: .client(device, server: server.publicKey))
            try peer.say(DistributedMachineTests.registration("a"))
            try peer.say(.heartbeat(time: 1))
            #expect(try peer.next().body == .heartbeatReply(time: 1))
            try operations.revoke(id: "a", role: .device)
            // Recorded means heeded. The suite's time limit ends this if it never is.
            while try operations.state(of: "run").devices[0].state != .failed {}
            try peer.say(.heartbeat(time: 2))
            #expect(try peer.next(\.rejection) == ProtocolError.notEnrolled.rawValue)
            host.stop()
            #expect(try host.outcome() == .interrupted(nil))
        }
    }

    @Test("a ledger that cannot be written ends the coordinator before anything is told")
    func unwritable() throws {
        try withFolder { folder in
            let context = try ZeroMQContext()
            _ = try Ledger(folder: folder.path, access: .operations)
            let ledger = try Ledger(folder: folder.path, access: .reading)
            let host = try Host(Self.configuration, context: context, ledger: ledger)
            #expect(throws: LedgerError.self) { _ = try host.outcome() }
            #expect(host.endpoint.isEmpty)
        }
    }
}
