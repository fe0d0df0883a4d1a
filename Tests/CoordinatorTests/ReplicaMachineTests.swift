import Foundation
import Ledger
import Support
import Testing
import Wire

@testable import Coordinator

@Suite("Who helps the worker that trains")
struct ReplicaMachineTests {
    private static func settings(_ workers: Int) -> Coordinator.Configuration {
        var settings = DistributedMachineTests.settings
        settings.replicas = workers
        return settings
    }

    private static func registration(_ id: String) -> Body { DistributedMachineTests.registration(id) }

    /// A machine to which these have come, each in session 1: the first worker leads.
    private static func machine(_ ids: [String], workers: Int = 3) -> CoordinatorMachine {
        var machine = CoordinatorMachine(settings(workers))
        for id in ids { _ = machine.take(registration(id), from: id, session: 1) }
        return machine
    }

    private static func peer(_ id: String) -> Body.WorkerPeer {
        Body.WorkerPeer(worker: id, endpoint: "tcp://\(id)", key: "key-\(id)")
    }

    private static func state(_ id: String, _ state: WorkerRecord.State) -> LedgerEntry {
        .workerState(run: "run", worker: id, state, step: 0)
    }

    private static func recorded(_ actions: [CoordinatorMachine.Action]) throws -> [RecordedPlan] {
        try actions.entries.compactMap { entry in
            if case .plan(let plan) = entry { try RecordedPlan(json: plan.json) } else { nil }
        }
    }

    @Test("as many workers as the recipe says share the steps, the leader with them; each learns of whom it needs")
    func chosen() throws {
        var machine = Self.machine(["a", "b", "w1"])
        let first = machine.take(Self.registration("w3"), from: "w3", session: 1)
        #expect(first.plan(for: "w1")?.replicas == [Self.peer("w3")] && first.plan(for: "w1")?.leader == nil)
        #expect(first.plan(for: "w3")?.leader == Self.peer("w1") && first.plan(for: "w3")?.predecessor == "")
        #expect(first.plan(for: "w3")?.replicas == [] && first.entries.contains(Self.state("w3", .replica)))
        let second = machine.take(Self.registration("w2"), from: "w2", session: 1)
        #expect(second.plan(for: "w1")?.replicas.map(\.worker) == ["w3", "w2"])
        #expect(second.plan(for: "w2")?.leader == Self.peer("w1"))
        #expect(try Self.recorded(second).map(\.pipelines) == [[["w1"], ["w3"], ["w2"]]])
        // Nobody's place is taken, by whatever name.
        let third = machine.take(Self.registration("w0"), from: "w0", session: 1)
        #expect(third.sends(to: "w0").isEmpty && third.plan(for: "w1") == nil)
        #expect(machine.roster.workers["w0"]?.state == .standby && machine.roster.owner == "w1")
    }

    @Test("without replicas in the recipe other workers stand by")
    func none() {
        let machine = Self.machine(["a", "b", "w1", "w2"], workers: 1)
        #expect(machine.roster.pipelines.helpers.isEmpty && machine.roster.workers["w2"]?.state == .standby)
    }

    @Test("a worker on standby takes the place of a replica that leaves, is lost, drained or revoked", arguments: 0..<4)
    func replaced(way: Int) throws {
        var machine = Self.machine(["a", "b", "w1", "w2", "w3", "w4"])
        let generation = machine.generation
        var actions: [CoordinatorMachine.Action] = []
        switch way {
        case 0: actions = machine.take(.goodbye(reason: ""), from: "w2", session: 1)
        case 1:
            for id in ["a", "b", "w1", "w3", "w4"] {
                _ = machine.take(.heartbeat(time: 1), from: id, session: 1, now: .seconds(9))
            }
            actions = machine.tick(now: .seconds(11)) + machine.settle()
        case 2:
            let drain = machine.drainRequested("w2") + machine.settle()
            #expect(drain.drain(for: "w2") == .init() && drain.stopped.isEmpty)
            // Its place is free when the leader has what it had.
            actions = machine.take(.workerFinished(DrainTests.drained), from: "w2", session: 1)
            #expect(actions.stopped == ["w2"])
        default:
            let json = #"{"id": "w2", "role": "worker", "publicKey": "key-w2", "enrolled": 1, "revoked": 2}"#
            let key = try JSONDecoder().decode(KeyRecord.self, from: Data(json.utf8))
            actions = machine.keysChanged([key]) + machine.settle()
        }
        #expect(actions.plan(for: "w1")?.replicas.map(\.worker) == ["w4", "w3"])
        #expect(actions.plan(for: "w4")?.leader == Self.peer("w1"))
        #expect(actions.plan(for: "w3")?.leader == Self.peer("w1") && machine.generation > generation)
        let left = [WorkerRecord.State.away, .away, .drained, .failed][way]
        #expect(actions.entries.contains(Self.state("w2", left)) && machine.roster.workers["w2"]?.state == left)
        #expect(machine.roster.owner == "w1" && machine.phase == .running)
    }

    @Test("a replica that is back after another one took its place is told that it follows nobody")
    func placeTaken() {
        var machine = Self.machine(["a", "b", "w1", "w2", "w3"], workers: 2)
        let lost = machine.take(.goodbye(reason: ""), from: "w2", session: 1)
        #expect(lost.plan(for: "w3")?.leader == Self.peer("w1"))
        let back = machine.take(Self.registration("w2"), from: "w2", session: 2)
        #expect(back.plan(for: "w2")?.leader == nil && back.plan(for: "w2")?.predecessor == "w1")
        #expect(back.plan(for: "w1") == nil && machine.roster.workers["w2"]?.state == .standby)
        // Its place is free again.
        let again = machine.take(.goodbye(reason: ""), from: "w3", session: 1)
        #expect(again.plan(for: "w2")?.leader == Self.peer("w1"))
    }

    @Test("a replica that is back before anybody was there to replace it helps again, wherever it waits now")
    func back() {
        var machine = Self.machine(["a", "b", "w1", "w2"])
        machine.undelivered(to: "w2")
        let back = machine.take(Self.registration("w2"), from: "w2", session: 2)
        #expect(back.plan(for: "w2")?.leader == Self.peer("w1") && back.plan(for: "w1") == nil)
        let elsewhere = Body.register(.init(role: .worker, samples: 0, threads: 1, endpoint: "tcp://elsewhere"))
        let moved = machine.take(elsewhere, from: "w2", session: 3)
        #expect(moved.plan(for: "w1")?.replicas.map(\.endpoint) == ["tcp://elsewhere"])
        let leader = machine.take(elsewhere, from: "w1", session: 2)
        #expect(leader.plan(for: "w2")?.leader?.endpoint == "tcp://elsewhere")
        // Lost for longer, it is forgotten, and chosen anew when it comes.
        _ = machine.take(.goodbye(reason: ""), from: "w2", session: 3)
        #expect(machine.roster.pipelines.helpers.isEmpty)
        let new = machine.take(Self.registration("w2"), from: "w2", session: 4)
        #expect(new.plan(for: "w1")?.replicas == [Self.peer("w2")])
    }

    @Test(
        "pipelines of several workers: each learns whom it follows and who its later stages are, also when one is lost")
    func pipelines() throws {
        var settings = Self.settings(2)
        settings.stages = 2
        var machine = CoordinatorMachine(settings)
        for id in ["a", "b", "w1", "w2", "w3"] { _ = machine.take(Self.registration(id), from: id, session: 1) }
        let full = machine.take(Self.registration("w4"), from: "w4", session: 1)
        #expect(try Self.recorded(full).map(\.pipelines) == [[["w1", "w3"], ["w2", "w4"]]])
        #expect(try Self.recorded(full)[0].place(of: "w4") == "replica 2 stage 2")
        #expect(
            full.plan(for: "w1")?.replicas == [Self.peer("w2")] && full.plan(for: "w1")?.stages == [Self.peer("w3")])
        #expect(full.plan(for: "w2")?.replicas == [] && full.plan(for: "w2")?.stages == [Self.peer("w4")])
        for (id, leader) in [("w1", nil), ("w2", "w1"), ("w3", "w1"), ("w4", "w2")] {
            #expect(full.plan(for: id)?.leader == leader.map { Self.peer($0) }, "\(id)")
            if id > "w2" { #expect(full.plan(for: id)?.stages == [] && full.plan(for: id)?.replicas == []) }
        }
        // Nobody stands by: the last later stage is given up for the first stage that is lost.
        let lost = machine.take(.goodbye(reason: ""), from: "w2", session: 1)
        #expect(lost.plan(for: "w4")?.leader == Self.peer("w1") && lost.plan(for: "w4")?.stages == [])
        #expect(lost.plan(for: "w1")?.replicas == [Self.peer("w4")])
        let back = machine.take(Self.registration("w2"), from: "w2", session: 2)
        #expect(back.plan(for: "w2")?.leader == Self.peer("w4") && back.plan(for: "w4")?.stages == [Self.peer("w2")])
        // One that leaves is where it was until its leader has what it had.
        let drain = machine.drainRequested("w3") + machine.settle()
        #expect(drain.plan(for: "w1")?.stages == [Self.peer("w3")] && drain.drain(for: "w3") == .init())
        let gone = machine.take(.workerFinished(DrainTests.drained), from: "w3", session: 1)
        #expect(gone.stopped == ["w3"] && gone.plan(for: "w1")?.stages == [Self.peer("w2")])
        #expect(gone.plan(for: "w2")?.leader == Self.peer("w1") && gone.plan(for: "w4")?.stages == [])
        #expect(machine.phase == .running)
    }

    @Test("what a replica tells of steps and queues is not the run's")
    func reports() {
        var machine = Self.machine(["a", "b", "w1", "w2"])
        let step = Body.stepReport(CoordinatorMachineTests.report(1))
        #expect(machine.take(step, from: "w2", session: 1).isEmpty && machine.steps == 0)
        #expect(machine.take(.workerFinished(DistributedMachineTests.totals), from: "w2", session: 1).isEmpty)
        #expect(machine.phase == .running)
        // Asked to leave by its own process, it is told to go at once.
        let asked = machine.take(.workerFinished(DrainTests.drained), from: "w2", session: 1)
        #expect(asked.stopped == ["w2"] && machine.roster.owner == "w1" && machine.drain == nil)
    }

    @Test("who computed how much is recorded when the leader tells it and it has changed, of workers of the run")
    func shares() {
        var machine = Self.machine(["a", "b", "w1", "w2"])
        func take(_ shares: [(String, UInt64)], from id: String = "w1") -> [String] {
            var report = Body.QueueReport(
                devices: [], storeBytes: 1, storeCapacity: 2, isFull: false, advanceSeconds: 0, advanceBlockTokens: 0,
                stepSeconds: 0, stepTokens: 0)
            report.shares = shares.map { Body.WorkerShare(worker: $0, microBatches: $1) }
            return machine.take(.queueReport(report), from: id, session: 1).entries.flatMap { entry in
                if case .shares(let shares) = entry {
                    shares.map { "\($0.worker) \($0.microBatches)" }
                } else {
                    [String]()
                }
            }
        }
        #expect(take([]).isEmpty)
        #expect(take([("w1", 6), ("w2", 2)]) == ["w1 6", "w2 2"])
        #expect(take([("w1", 6), ("w2", 4)]) == ["w2 4"])
        #expect(take([("w1", 6), ("w2", 4)]).isEmpty)
        #expect(take([("stranger", 4), ("a", 1), ("w2", .max)]) == ["w2 \(1 << 48)"])
        #expect(take([("w1", 7)], from: "w2").isEmpty, "it does not lead")
    }

    @Test("an owner that is drained hands over to one on standby before one that helps")
    func successor() {
        for (ids, successor, replicas) in [
            (["w1", "w2", "w3"], "w2", ["w3"]), (["w1", "w2", "w3", "w4"], "w4", ["w2", "w3"]),
        ] {
            var machine = Self.machine(["a", "b"] + ids)
            let drain = DrainTests.drain(&machine)
            #expect(drain.drain(for: "w1")?.successor == successor)
            let plan = drain.plan(for: successor)
            #expect(plan?.predecessor == "w1" && plan?.leader == nil)
            // The others are given nothing, but the owner still leads until the end.
            #expect(drain.plan(for: "w1")?.replicas.map(\.worker) == replicas)
            for id in replicas { #expect(drain.plan(for: id)?.leader == Self.peer("w1")) }
            _ = machine.take(.workerFinished(DrainTests.drained), from: "w1", session: 1)
            let commit = machine.take(DrainTests.everything, from: successor, session: 1)
            #expect(commit.plan(for: successor)?.replicas.map(\.worker) == replicas && commit.stopped == ["w1"])
            #expect(commit.plan(for: successor)?.predecessor == "")
            for id in replicas { #expect(commit.plan(for: id)?.leader == Self.peer(successor)) }
            #expect(machine.roster.workers[successor]?.state == .training)
        }
    }

    @Test("a successor that is gone before it has everything is replaced by another replica")
    func successorGone() {
        var machine = Self.machine(["a", "b", "w1", "w2", "w3"])
        _ = DrainTests.drain(&machine)
        let gone = machine.take(.goodbye(reason: ""), from: "w2", session: 1)
        #expect(gone.drain(for: "w1")?.successor == "w3" && gone.plan(for: "w3")?.predecessor == "w1")
        #expect(gone.plan(for: "w3")?.leader == nil && gone.plan(for: "w1")?.replicas == [])
        let back = machine.take(Self.registration("w2"), from: "w2", session: 2)
        #expect(back.plan(for: "w2")?.leader == Self.peer("w1"), "it helps until the other one takes over")
        _ = machine.take(DrainTests.everything, from: "w3", session: 1)
        #expect(machine.roster.owner == "w3" && machine.roster.pipelines.helpers == ["w2"])
    }

    @Test("a coordinator that is started again knows the replicas, and waits for them")
    func restart() throws {
        try Fixtures.withTemporaryFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            var machine = CoordinatorMachine(Self.settings(3))
            try ledger.record(machine.begin(now: .zero).entries)
            for id in ["a", "b", "w1", "w3", "w2", "w4"] {
                try ledger.record(machine.take(Self.registration(id), from: id, session: 1).entries)
            }
            func restarted(_ workers: Int) throws -> CoordinatorMachine {
                let state = try ledger.state(of: "run")
                var machine = try CoordinatorMachine(Self.settings(workers), restoring: state)
                _ = machine.begin(now: .zero)
                return machine
            }
            var same = try restarted(3)
            #expect(same.roster.pipelines.helpers == ["w3", "w2"] && same.roster.owner == "w1")
            #expect(try Self.recorded(same.settle()).isEmpty, "nobody is replaced before he could come")
            for id in ["w2", "w1", "w3"] {
                let back = same.take(Self.registration(id), from: id, session: 2)
                #expect(back.plan(for: id)?.generation == UInt64(machine.generation))
                #expect(back.plan(for: id)?.leader == (id == "w1" ? nil : Self.peer("w1")))
            }
            // Those who do not come make room.
            let late = same.take(Self.registration("w4"), from: "w4", session: 2)
            #expect(late.plan(for: "w4")?.leader == nil && same.roster.pipelines.helpers == ["w3", "w2"])

            var fewer = try restarted(2)
            #expect(try Self.recorded(fewer.settle()).map(\.pipelines) == [[["w1"], ["w3"]]])
            var none = try restarted(1)
            #expect(try Self.recorded(none.settle()).map(\.pipelines) == [nil])
        }
    }

    @Test("a plan in the ledger is read as it was written, with replicas and without, also by earlier versions' rules")
    func recordedPlan() throws {
        for pipelines in [nil, [], [["w1", nil], ["w2", "w3"]]] as [[[String?]]?] {
            let plan = RecordedPlan(
                worker: "w1", successor: nil, pipelines: pipelines, reason: "\"new\"", bottleneck: nil)
            #expect(try RecordedPlan(json: plan.json) == plan)
        }
        let old = try RecordedPlan(json: #"{"reason":"first","worker":"w1"}"#)
        #expect(old.pipelines == nil && old.worker == "w1")
    }
}
