import Foundation
import Ledger
import Queueing
import Testing
import Wire

/// What real processes log.
@Suite("Logs of processes", .serialized, .timeLimit(.minutes(2)))
struct LogChaosTests {
    private static let form = ["--log-format", "json"]

    @Test("with --log-format json a role says nothing but one JSON object for each event, with run, role and id")
    func json() throws {
        try TinyModel.use { tiny in
            let cluster = try Cluster(tiny, ["training.epochs=2", "evaluation.samples=0"]) { _ in Self.form }
            cluster.start()
            try cluster.finish()
            let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
            let run = try #require(try ledger.runs().first?.id)
            for role in [cluster.workers[0], cluster.devices[0]] {
                let lines = try Self.lines(of: role)
                #expect(lines.allSatisfy { $0.has("time") && $0.has("level") && $0.has("event") })
                #expect(try lines.allSatisfy { try $0.text("id") == role.name && role.name.hasPrefix($0.text("role")) })
                let joined = try #require(try lines.first { try $0.text("event") == "joined" }, "\(role.log)")
                #expect(try joined.text("run") == run && joined.text("level") == "info")
            }
            let steps = try Self.lines(of: cluster.workers[0]).filter { try $0.text("event") == "step" }
            let last = try #require(try steps.last?.inner("fields"))
            #expect(try last.number("step") == last.number("steps") && last.has("loss"))
        }
    }

    @Test("an error that ends a role is a line of its log; levels leave out the rest")
    func ending() throws {
        try TinyModel.use { tiny in
            let outcome = try Program.run(
                ["coordinator", "--insecure", "--state", "nothing", "--log-level", "error"] + Self.form, in: tiny.folder
            )
            #expect(outcome.exitCode == 64 && outcome.output.isEmpty)
            let line = try JSON(outcome.errors)
            #expect(try line.text("level") == "critical" && line.inner("fields").number("error") == 64)
        }
    }

    @Test("whatever strangers and a device send, as often as they like, the log stays small")
    func flood() throws {
        try TinyModel.use { tiny in
            let port = try FreePorts.take(1)[0], count = 3000
            let coordinator = SupervisedRole(
                "coordinator",
                [
                    "coordinator", "recipe.yaml", "network.coordinator=tcp://127.0.0.1:\(port)", "--state",
                    "coordinator",
                    "--insecure",
                ] + Self.form, in: tiny.folder)
            defer { coordinator.letGo() }
            coordinator.start()
            let context = try ZeroMQContext()
            let link = Link(context: context, run: "", sender: "device-1", highWaterMark: 0)
            try link.connect("tcp://127.0.0.1:\(port)", security: .insecure)
            var poller = Poller()
            _ = poller.add(link)
            while try link.event() != .connected { try poller.wait(milliseconds: 100) }
            try link.send(.recipeRequest(.device))
            link.run = try Self.next(link, &poller) { if case .runRecipe = $0.body { $0.run } else { nil } }
            for round in 0..<count {
                link.renewSession()
                try link.send(.register(.init(role: .device, samples: 5, threads: 1)))
                try link.send(.failure(.init(exitCode: 1, problem: "round \(round)", remedy: "none")))
            }
            try Self.sendNonsense(count, to: port, context)
            // It has heard all of it when it answers to what came last.
            link.renewSession()
            try link.send(.register(.init(role: .device, samples: 5, threads: 1)))
            try link.send(.heartbeat(time: 7))
            _ = try Self.next(link, &poller) { if case .heartbeatReply(7) = $0.body { true } else { nil } }
            coordinator.signal(SIGTERM)
            #expect(coordinator.exitCode(within: 30) == 62)
            let lines = try Self.lines(of: coordinator)
            // Two kinds of events for each round, and a line for each reason.
            #expect(lines.count < 2 * count / 2, "\(lines.count) lines")
            #expect(try lines.contains { try $0.text("event") == "failed" })
            let refused = try lines.filter { try $0.text("event") == "refused" }
            #expect((1...20).contains(refused.count), "\(refused.count) lines about \(count) refusals")
        }
    }

    /// Frames that are no header, headers of another version, and messages of another run.
    private static func sendNonsense(_ count: Int, to port: UInt16, _ context: ZeroMQContext) throws {
        var options = SocketOptions()
        options.security = .insecure
        options.highWaterMark = 0
        let socket = try Socket(.dealer, context: context, options: options)
        try socket.connect("tcp://127.0.0.1:\(port)")
        let foreign = Envelope(run: "another", sender: "x", body: .heartbeat(time: 1)).encode()
        for number in 0..<count {
            let frame = [[0xFF, 0xFF, 0xFF, 0xFF], [0x08, 9], foreign][number % 3]
            _ = try socket.send([Frame(frame)])
        }
        var poller = Poller()
        _ = poller.add(socket)
        var answers = 0
        while answers < count {
            if try socket.receive() == nil { try poller.wait(milliseconds: 10_000) } else { answers += 1 }
        }
    }

    private static func next<Value>(_ link: Link, _ poller: inout Poller, _ found: (Envelope) -> Value?) throws -> Value
    {
        while true {
            _ = try link.event()
            while let received = try link.receive() {
                if case .message(let envelope, _, _) = received, let value = found(envelope) { return value }
            }
            try poller.wait(milliseconds: 10_000)
        }
    }

    private static func lines(of role: SupervisedRole) throws -> [JSON] {
        try role.log.split(separator: "\n").map { try JSON(String($0)) }
    }
}
