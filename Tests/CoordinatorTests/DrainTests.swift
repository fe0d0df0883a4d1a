import Ledger
import Testing
import Wire

@testable import Coordinator

@Suite("A worker leaves and another takes over")
struct DrainTests {
    static let drained = {
        var totals = CoordinatorMachineTests.totals
        totals.drained = true
        return totals
    }()
    static let everything = Body.handedOver(.init(step: 3, messages: 7))

    static func machine(_ ids: [String] = ["w1", "a", "b", "w2"]) -> CoordinatorMachine {
        DistributedMachineTests.machine(ids)
    }

    static func drain(_ machine: inout CoordinatorMachine, _ worker: String = "w1") -> [CoordinatorMachine.Action] {
        machine.drainRequested(worker) + machine.settle()
    }

    @Test(
        "another worker is named to the owner, learns its predecessor, and owns the run once it has everything")
    func handOver() throws {
        var machine = Self.machine()
        let before = machine.generation
        let drain = Self.drain(&machine)
        #expect(
            drain.drain(for: "w1")
                == .init(successor: "w2", successorEndpoint: "tcp://w2", successorKey: "key-w2"))
        let plan = try #require(drain.plan(for: "w2"))
        #expect(plan.predecessor == "w1" && plan.predecessorKey == "key-w1" && plan.generation == UInt64(before + 1))
        #expect(drain.assignment(for: "a") == nil && machine.roster.owner == "w1")
        #expect(drain.events.contains(.draining(worker: "w1", successor: "w2")))
        #expect(machine.hear(.workerFinished(Self.drained), from: "w1", session: 1).isEmpty)

        let commit = machine.take(Self.everything, from: "w2", session: 1)
        for id in ["a", "b"] {
            let assignment = try #require(commit.assignment(for: id))
            #expect(assignment.worker == "w2" && assignment.workerEndpoint == "tcp://w2")
            #expect(assignment.workerKey == "key-w2" && assignment.generation == UInt64(before + 2))
        }
        #expect(commit.plan(for: "w2")?.predecessor == "" && commit.plan(for: "w2")?.generation == UInt64(before + 2))
        #expect(commit.stopped == ["w1"] && commit.events.contains(.handedOver(from: "w1", to: "w2")))
        // Said once more, it is answered once more, and nothing else changes.
        let again = machine.take(Self.everything, from: "w2", session: 1)
        #expect(again.count == 1 && again.plan(for: "w2") == commit.plan(for: "w2"))
        #expect(machine.hear(.workerFinished(CoordinatorMachineTests.totals), from: "w1", session: 1).finish == nil)
        #expect(machine.phase == .running)
    }

    @Test("nobody but the named successor can take over")
    func otherWorkers() {
        var machine = Self.machine(["w1", "a", "b", "w2", "w3"])
        _ = machine.take(Self.everything, from: "w2", session: 1)
        #expect(machine.roster.owner == "w1")
        _ = Self.drain(&machine)
        for id in ["w3", "a"] { #expect(machine.hear(Self.everything, from: id, session: 1).isEmpty) }
        #expect(machine.roster.owner == "w1")
    }

    @Test("without another worker it leaves, and owns the run again when it comes back")
    func noSuccessor() {
        var machine = Self.machine(["w1", "a", "b"])
        #expect(Self.drain(&machine).deeds == [.send(to: "w1", session: 1, .drain(.init()))])
        let actions = machine.take(.workerFinished(Self.drained), from: "w1", session: 1)
        #expect(actions.stopped == ["w1"])
        #expect(actions.entries.contains(.workerState(run: "run", worker: "w1", .drained, step: 0)))
        #expect(machine.hear(.goodbye(reason: "drained"), from: "w1", session: 1).isEmpty)
        #expect(DistributedMachineTests.machine().roster.owner == "w1" && machine.roster.owner == "w1")
        let standby = machine.take(DistributedMachineTests.registration("w2"), from: "w2", session: 1)
        #expect(standby.plan(for: "w2") == nil)
        let back = machine.take(DistributedMachineTests.registration("w1"), from: "w1", session: 2)
        #expect(back.plan(for: "w1")?.predecessor == "" && back.drain(for: "w1") == nil)
        #expect(machine.roster.training?.state == .training)
    }

    @Test("a worker that leaves by itself hands over like one that was told to")
    func ownWish() {
        var machine = Self.machine()
        let actions = machine.take(.workerFinished(Self.drained), from: "w1", session: 1)
        #expect(actions.drain(for: "w1")?.successor == "w2" && actions.plan(for: "w2")?.predecessor == "w1")
        #expect(actions.stopped.isEmpty)
        _ = machine.take(Self.everything, from: "w2", session: 1)
        #expect(machine.roster.owner == "w2")
    }

    @Test("a worker that comes while another one leaves is named as its successor")
    func lateStandby() {
        var machine = Self.machine(["w1", "a", "b"])
        _ = Self.drain(&machine)
        let actions = machine.take(DistributedMachineTests.registration("w2"), from: "w2", session: 1)
        #expect(actions.drain(for: "w1")?.successor == "w2" && actions.plan(for: "w2")?.predecessor == "w1")
    }

    @Test("both are told again when they register again; another one is named only when the successor is gone")
    func interrupted() {
        var machine = Self.machine(["w1", "a", "b", "w2", "w3"])
        _ = Self.drain(&machine)
        let old = machine.hear(DistributedMachineTests.registration("w1"), from: "w1", session: 2)
        #expect(old.drain(for: "w1")?.successor == "w2" && old.plan(for: "w1") != nil)
        let new = machine.hear(DistributedMachineTests.registration("w2"), from: "w2", session: 2)
        #expect(new.plan(for: "w2")?.predecessor == "w1")
        let gone = machine.take(.goodbye(reason: ""), from: "w2", session: 2)
        #expect(gone.drain(for: "w1")?.successor == "w3" && gone.plan(for: "w3")?.predecessor == "w1")
        #expect(machine.hear(Self.everything, from: "w2", session: 2).sends(to: "w2") == [.registerAgain])
        _ = machine.take(DistributedMachineTests.registration("w2"), from: "w2", session: 3)
        #expect(machine.hear(Self.everything, from: "w2", session: 3).isEmpty)
        _ = machine.take(Self.everything, from: "w3", session: 1)
        #expect(machine.roster.owner == "w3")
    }

    @Test("an owner that is lost while it leaves still leaves when it comes back")
    func ownerLost() {
        var machine = Self.machine()
        _ = Self.drain(&machine)
        for id in ["a", "b", "w2"] { _ = machine.take(.heartbeat(time: 1), from: id, session: 1, now: .seconds(9)) }
        let lost = machine.tick(now: .seconds(11))
        #expect(!lost.entries.contains { if case .workerState = $0 { true } else { false } })
        let back = machine.take(DistributedMachineTests.registration("w1"), from: "w1", session: 2, now: .seconds(12))
        #expect(back.drain(for: "w1")?.successor == "w2")
    }

    @Test("a worker on standby just leaves; who handed over and comes late is told to leave once, then stands by")
    func leaving() {
        var machine = Self.machine()
        #expect(Self.drain(&machine, "w2").stopped == ["w2"])
        #expect(Self.drain(&machine, "w9").deeds.isEmpty)
        _ = machine.take(DistributedMachineTests.registration("w3"), from: "w3", session: 1)
        _ = Self.drain(&machine)
        machine.undelivered(to: "w1")
        _ = machine.take(Self.everything, from: "w3", session: 1)
        let first = machine.take(DistributedMachineTests.registration("w1"), from: "w1", session: 2)
        #expect(first.stopped == ["w1"] && first.plan(for: "w1") == nil)
        let second = machine.take(DistributedMachineTests.registration("w1"), from: "w1", session: 3)
        #expect(second.sends(to: "w1").isEmpty && machine.roster.workers["w1"]?.state == .standby)
    }

    @Test("a stop while a worker leaves ends the run with what it has told")
    func stopped() {
        var machine = Self.machine(["w1", "a", "b", "w2"])
        _ = Self.drain(&machine)
        _ = machine.take(.workerFinished(Self.drained), from: "w1", session: 1)
        #expect(machine.stopRequested(now: .zero).stopped == ["a", "b", "w1", "w2"])
        for id in ["a", "b", "w1"] { _ = machine.take(.goodbye(reason: ""), from: id, session: 1) }
        let last = machine.take(.goodbye(reason: ""), from: "w2", session: 1)
        #expect(last.finish == .interrupted(Self.drained))
    }
}
