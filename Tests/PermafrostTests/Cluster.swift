import Faults
import Foundation
import Ledger
import Queueing
import Support
import Testing
import Wire

/// A distributed run of the tiny model: every role a process of its own, over TCP on this machine, under a supervisor.
final class Cluster {
    let tiny: TinyModel
    let coordinator: SupervisedRole
    let workers: [SupervisedRole]
    let devices: [SupervisedRole]
    /// Where the coordinator and each worker listen, as HOST:PORT.
    let places: [String]
    /// One before the coordinator and one before each worker; none unless they were asked for.
    let proxies: [TCPFaultProxy]
    /// Before the coordinator and a worker, where a role is of the previous minor version.
    private let translators: [MessageFaultProxy]
    /// What the role of the previous minor version is started with once it is upgraded.
    private var upgraded: (role: SupervisedRole, arguments: [String])?

    var roles: [SupervisedRole] { [coordinator] + workers + devices }

    /// - Parameters:
    ///   - overrides: of the tiny recipe.
    ///   - keys: whether the roles speak CURVE, with a key pair each; otherwise plain TCP.
    ///   - isProxied: whether every link goes through a proxy that can harm it.
    ///   - host: the name of this machine under which the roles reach each other.
    ///   - earlier: a worker, or a device of a run with one worker, that speaks the previous minor version.
    ///   - options: further ones of a worker or device by its name.
    ///   - prefix: of every role's process, as `SupervisedRole` takes it.
    init(
        _ tiny: TinyModel, _ overrides: [String] = [], devices: Int = 4, workers: Int = 1, keys: Bool = false,
        isProxied: Bool = false, host: String = "127.0.0.1", earlier: String? = nil,
        options: (String) -> [String] = { _ in [] }, prefix: [String] = []
    ) throws {
        self.tiny = tiny
        let ports = try FreePorts.take(workers + 1)
        places = ports.map { "127.0.0.1:\($0)" }
        let listening = places.map { "tcp://\($0)" }
        proxies = isProxied ? try ports.map { try TCPFaultProxy(upstream: $0) } : []
        let reachable = (isProxied ? proxies.map(\.endpoint) : listening).map {
            $0.replacing("127.0.0.1", with: host)
        }
        let translated = earlier.map { $0.hasPrefix("worker-") ? Int($0.dropFirst(7)) ?? 1 : 1 }
        let context = try ZeroMQContext()
        translators =
            try translated.map { [listening[0], listening[$0]] }?.map {
                try MessageFaultProxy(
                    context: context, endpoint: "tcp://127.0.0.1:*", upstream: $0, minor: Envelope.minorVersion - 1)
            } ?? []
        let names = (1...workers).map { "worker-\($0)" } + (1...devices).map { "device-\($0)" }
        if keys { try Self.enroll(names, in: tiny) }
        func security(_ name: String) -> [String] {
            guard keys else { return ["--insecure"] }
            return ["--key", "keys/\(name).key"]
                + (name == "coordinator" ? [] : ["--coordinator-key", "keys/coordinator.pub"])
        }
        coordinator = SupervisedRole(
            "coordinator",
            ["coordinator", "recipe.yaml", "network.coordinator=\(listening[0])", "--state", "coordinator"] + overrides
                + security("coordinator"), in: tiny.folder, prefix: prefix)
        func worker(_ number: Int, reaching endpoint: String, advertising advertised: String) -> [String] {
            let name = "worker-\(number)"
            return [
                "worker", "--id", name, "--coordinator", endpoint, "--state", name, "--listen", listening[number],
                "--advertise", advertised,
            ] + security(name) + options(name)
        }
        func device(_ number: Int, reaching endpoint: String) -> [String] {
            let name = "device-\(number)"
            return ["device", "--id", name, "--coordinator", endpoint] + security(name) + options(name)
        }
        var upgraded: (SupervisedRole, [String])?
        func role(_ name: String, _ arguments: [String], earlier before: @autoclosure () -> [String]) -> SupervisedRole
        {
            let isEarlier = name == earlier
            let role = SupervisedRole(name, isEarlier ? before() : arguments, in: tiny.folder, prefix: prefix)
            if isEarlier { upgraded = (role, arguments) }
            return role
        }
        let past = translators.map(\.endpoint)
        self.workers = (1...workers).map { number in
            role(
                "worker-\(number)", worker(number, reaching: reachable[0], advertising: reachable[number]),
                earlier: worker(number, reaching: past[0], advertising: past[1]))
        }
        self.devices = (1...devices).map { number in
            role(
                "device-\(number)", device(number, reaching: reachable[0]),
                earlier: device(number, reaching: past[0]) + ["--worker", past[1]])
        }
        self.upgraded = upgraded
    }

    /// Replaces the role of the previous minor version by one of this version, as a rolling upgrade does.
    func upgrade() { upgraded?.role.restart(as: upgraded?.arguments) }

    deinit { for role in roles { role.letGo() } }

    /// Starts all roles in an order.
    func start(_ order: [SupervisedRole]? = nil, failpoint: (role: String, setting: String)? = nil) {
        for role in order ?? roles {
            role.start(failpoint: failpoint?.role == role.name ? failpoint?.setting : nil)
        }
    }

    /// Waits until the coordinator says that the run is complete, and everybody has left.
    func finish(within seconds: Double = 120) throws {
        let code = coordinator.exitCode(within: seconds)
        try #require(code == 0, "\(logs)")
        for role in workers + devices {
            // Whoever was killed after its goodbye is not waited for: it still looks for a coordinator.
            if role.exitCode(within: 5) == nil { role.signal(SIGTERM) }
            #expect(role.exitCode(within: 30) == 0, "\(role.name)\n\(role.log)")
        }
    }

    /// The end of every log.
    var logs: String {
        roles.map { "== \($0.name), \($0.deaths) deaths\n\($0.log.suffix(1500))" }.joined(separator: "\n")
    }

    /// The run's folder in a worker's state.
    func runFolder(of worker: SupervisedRole) throws -> URL {
        let state = tiny.path(worker.name)
        let runs = try FileManager.default.contentsOfDirectory(at: state, includingPropertiesForKeys: nil)
        try #require(runs.count == 1, "\(runs)")
        return runs[0]
    }

    /// What the only worker left.
    func trained() throws -> RunFiles { RunFiles(folder: try runFolder(of: workers[0])) }

    /// Checks that every step of the run is in the ledger once, and that each epoch had every sample once.
    func expectEverySampleOnce(samples: Int, epochs: Int) throws {
        let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
        let run = try #require(try ledger.runs().first)
        #expect(run.state == .completed)
        let steps = try ledger.steps(of: run.id)
        #expect(try ledger.verifyChain(run.id) == steps.count)
        #expect(steps.map(\.step) == Array(1...max(1, steps.count)))
        for epoch in 1...epochs {
            let ids = steps.filter { $0.epoch == epoch }.flatMap(\.sampleIDs)
            #expect(ids.count == samples && Set(ids).count == samples, "epoch \(epoch): lost or applied twice")
        }
    }

    /// Checks that the run has trained what an undisturbed one has, and each sample once in every epoch.
    func expectTrained(as undisturbed: RunFiles) throws {
        let owner = try #require(try lastOwner(), "\(logs)")
        #expect(try RunFiles(folder: runFolder(of: owner)).trained() == undisturbed.trained())
        let summary = try undisturbed.summary()
        try expectEverySampleOnce(samples: Int(summary.number("train_samples")), epochs: Int(summary.number("epochs")))
    }

    /// The samples of all devices.
    func samples() throws -> Int {
        let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
        let run = try #require(try ledger.runs().first)
        return try ledger.state(of: run.id).devices.reduce(0) { $0 + $1.samples }
    }

    /// Checks that every step is recorded, and that none was taken again in another way.
    ///
    /// - Returns: how many were taken again.
    func expectOnePast() throws -> Int {
        let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
        let run = try #require(try ledger.runs().first)
        #expect(run.state == .completed)
        #expect(try ledger.verifyChain(run.id) == run.plannedSteps)
        let warnings = try ledger.events(of: run.id).map(\.text).filter { $0.contains("another result") }
        #expect(warnings.isEmpty, "\(warnings)")
        return try ledger.steps(of: run.id).reduce(0) { $0 + $1.retaken }
    }

    private static func enroll(_ names: [String], in tiny: TinyModel) throws {
        for name in ["coordinator"] + names {
            let made = try tiny.run("keys", "generate", name)
            try #require(made.exitCode == 0, "\(made.errors)")
        }
        for name in names {
            let role = String(name.prefix { $0 != "-" })
            let enrolled = try tiny.run(
                "devices", "enroll", name, "--role", role, "--key", "keys/\(name).pub", "--state", "coordinator")
            try #require(enrolled.exitCode == 0, "\(enrolled.errors)")
        }
    }
}

/// TCP ports of this machine that nobody listens on.
enum FreePorts {
    static func take(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            for _ in 0..<1000 {
                // Below those from which the system takes one for whoever connects, perhaps before the role listens.
                let port = UInt16.random(in: 10_000..<32_000)
                address.sin_port = port.bigEndian
                let isFree = withUnsafePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                    }
                }
                if isFree { return port }
            }
            throw NoFreePort()
        }
    }

    private struct NoFreePort: Error {}
}
