import Diagnostics
import Foundation
import Ledger
import Testing

/// Methods that train on devices, every role a process: what comes back is what one process trains, and whoever dies ends
/// the run for all.
@Suite("Methods as processes", .serialized, .timeLimit(.minutes(5)))
struct MethodClusterTests {
    private static let common = ["evaluation.samples=0", "method.cut=2"]
    private static let methods = [
        ["training.method=fedlora", "method.local_steps=2"],
        ["training.method=fedlora", "method.local_steps=2", "method.fair=true", "method.ranks=[8, 4, 2, 1]"],
        ["training.method=splitlora", "method.averaging_steps=5"],
        ["training.method=splitlora", "method.averaging_steps=6", "method.reference=true"],
        ["training.method=hosl", "method.pairs=2", "training.epochs=2"],
        ["training.method=hosl", "method.pairs=1", "training.epochs=1", "training.trainable=full"],
        ["training.method=zo", "method.pairs=2", "training.epochs=2", "training.learning_rate=1e-5"],
        ["training.method=soft", "method.local_steps=2"],
    ]

    @Test("of every method processes train what one process trains, to the bit", arguments: methods)
    func trains(method: [String]) throws {
        try TinyModel.use { tiny in
            let overrides = Self.common + method
            let embedded = try tiny.trainUndisturbed(overrides)
            let cluster = try Cluster(tiny, overrides, keys: true)
            cluster.start()
            try cluster.finish()
            let files = try cluster.trained()
            #expect(try files.trained() == embedded.trained())
            #expect(try files.steps().map { try $0.number("loss") } == embedded.steps().map { try $0.number("loss") })
            let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
            let run = try #require(try ledger.runs().first)
            #expect(run.state == .completed)
            #expect(try run.plannedSteps == files.steps().count)
            #expect(try ledger.verifyChain(run.id) == run.plannedSteps)
        }
    }

    @Test(
        "a role that dies in the middle of a run ends it for all, with its number", arguments: ["worker-1", "device-2"])
    func dies(victim: String) throws {
        try TinyModel.use { tiny in
            let cluster = try Cluster(
                tiny, Self.common + ["training.method=splitlora", "training.epochs=4000", "devices.silence_seconds=5"])
            cluster.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step 1/", within: 60), "\(cluster.logs)")
            // Its supervisor starts it again at once.
            cluster.roles.first { $0.name == victim }?.signal(SIGKILL)
            let code = cluster.coordinator.exitCode(within: 60)
            let expected: ExitCode = victim == "worker-1" ? .workerLost : .deviceLost
            #expect(code == expected.rawValue, "\(cluster.logs)")
            for role in cluster.workers + cluster.devices {
                #expect(role.exitCode(within: 60) != nil, "\(role.name)\n\(role.log)")
            }
        }
    }

    @Test("a device that is gone for good is missed, and ends the run for all")
    func goes() throws {
        try TinyModel.use { tiny in
            let overrides = Self.common + ["training.method=hosl", "devices.silence_seconds=3"]
            let cluster = try Cluster(tiny, overrides + ["training.epochs=4000"])
            cluster.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step 1/", within: 60), "\(cluster.logs)")
            cluster.devices[3].letGo()
            #expect(cluster.coordinator.exitCode(within: 60) == ExitCode.deviceLost.rawValue, "\(cluster.logs)")
            for role in cluster.workers + cluster.devices.dropLast() {
                #expect(role.exitCode(within: 60) != nil, "\(role.name)\n\(role.log)")
            }
        }
    }

    @Test("a coordinator that dies in the middle of a run is told by the others what it has missed")
    func survives() throws {
        try TinyModel.use { tiny in
            let overrides = Self.common + ["training.method=fedlora", "method.local_steps=2", "training.epochs=60"]
            let embedded = try tiny.trainUndisturbed(overrides)
            let cluster = try Cluster(tiny, overrides, keys: true)
            cluster.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step 1/", within: 60), "\(cluster.logs)")
            cluster.coordinator.signal(SIGKILL)
            try cluster.finish()
            #expect(cluster.coordinator.deaths == 1)
            #expect(try cluster.trained().trained() == embedded.trained())
            let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
            let run = try #require(try ledger.runs().first)
            #expect(run.state == .completed)
            #expect(try ledger.verifyChain(run.id) == run.plannedSteps)
        }
    }

    @Test(
        "one that dies with another role ends the run for all, with that one's number, and the next run begins anew",
        arguments: ["worker-1", "device-2"])
    func diesTogether(victim: String) throws {
        try TinyModel.use { tiny in
            let method = Self.common + ["training.method=fedlora", "method.local_steps=2", "devices.silence_seconds=5"]
            let cluster = try Cluster(tiny, method + ["training.epochs=4000"])
            cluster.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step 1/", within: 60), "\(cluster.logs)")
            for role in cluster.roles where ["coordinator", victim].contains(role.name) { role.signal(SIGKILL) }
            let code = cluster.coordinator.exitCode(within: 60)
            let expected: ExitCode = victim == "worker-1" ? .workerLost : .deviceLost
            #expect(code == expected.rawValue, "\(cluster.logs)")
            #expect(cluster.coordinator.log.contains(/(?i)start the run again|begin the run anew/), "\(cluster.logs)")
            for role in cluster.workers + cluster.devices {
                #expect(role.exitCode(within: 60) != nil, "\(role.name)\n\(role.log)")
            }
            let next = try Cluster(tiny, method + ["training.epochs=1"])
            next.start()
            try next.finish()
            let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
            #expect(try ledger.runs().map(\.state) == [.completed, .failed])
        }
    }

    @Test("whoever hears of no coordinator trains to the end, and leaves once it has waited for --patience")
    func staysAway() throws {
        try TinyModel.use { tiny in
            let overrides = Self.common + ["training.method=fedlora", "method.local_steps=2", "training.epochs=60"]
            let embedded = try tiny.trainUndisturbed(overrides)
            let cluster = try Cluster(tiny, overrides, options: { _ in ["--patience", "2"] })
            cluster.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step 1/", within: 60), "\(cluster.logs)")
            cluster.coordinator.letGo()
            for role in cluster.workers + cluster.devices {
                #expect(role.exitCode(within: 60) == 0, "\(role.name)\n\(role.log)")
            }
            #expect(try cluster.trained().trained() == embedded.trained())
        }
    }

    @Test("a run that its user stops ends for all without an error of theirs")
    func stops() throws {
        try TinyModel.use { tiny in
            let cluster = try Cluster(tiny, Self.common + ["training.method=fedlora", "training.epochs=4000"])
            cluster.start()
            _ = try #require(cluster.workers[0].line(beginningWith: "step 1/", within: 60), "\(cluster.logs)")
            cluster.coordinator.signal(SIGINT)
            #expect(cluster.coordinator.exitCode(within: 60) == ExitCode.interrupted.rawValue, "\(cluster.logs)")
            for role in cluster.workers + cluster.devices {
                #expect(role.exitCode(within: 30) == 0, "\(role.name)\n\(role.log)")
            }
        }
    }
}
