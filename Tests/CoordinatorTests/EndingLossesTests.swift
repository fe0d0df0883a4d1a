import Diagnostics
import Ledger
import Testing
import Wire

@testable import Coordinator

/// Runs that end with whoever is lost, as what was trained there is lost too.
@Suite("Coordinator machine of a run that trains on devices")
struct EndingLossesTests {
    private static let settings = {
        var settings = DistributedMachineTests.settings
        settings.losses = .end
        return settings
    }()

    private static func machine(_ ids: [String] = ["w1", "a", "b"]) -> CoordinatorMachine {
        var machine = CoordinatorMachine(settings)
        for id in ids { _ = machine.take(DistributedMachineTests.registration(id), from: id, session: 1) }
        return machine
    }

    @Test("there is no plan before everybody is there, and the first one tells devices how many samples there are")
    func plan() {
        var machine = CoordinatorMachine(Self.settings)
        for id in ["w1", "a"] {
            let actions = machine.take(DistributedMachineTests.registration(id), from: id, session: 1)
            #expect(actions.plan(for: "w1") == nil && actions.assignment(for: "a") == nil)
        }
        let actions = machine.take(DistributedMachineTests.registration("b"), from: "b", session: 1)
        #expect(actions.plan(for: "w1")?.devices.map(\.samples) == [5, 9])
        #expect(["a", "b"].map { actions.assignment(for: $0)?.samples } == [14, 14])
        #expect(actions.events.contains(.began))
        // A process that was started again is told the same: whoever it spoke with finds out what it is.
        let again = machine.hear(DistributedMachineTests.registration("a"), from: "a", session: 2)
        #expect(again.assignment(for: "a") == actions.assignment(for: "a"))
    }

    @Test("before the first plan whoever is missing is waited for")
    func before() {
        var machine = Self.machine(["w1", "a"])
        #expect(machine.hear(.goodbye(reason: ""), from: "a", session: 1).events == [.away(id: "a", reason: "it left")])
        #expect(machine.tick(now: .milliseconds(10_001)).events == [.away(id: "w1", reason: "not heard of for 10 s")])
    }

    @Test("afterwards a device or the worker that is silent, leaves or fails ends the run", arguments: ["a", "w1"])
    func afterwards(id: String) {
        let failure = Body.Failure(exitCode: 23, problem: "no", remedy: "none")
        let left = CoordinatorError.left(id, reason: "enough", steps: 0)
        let failed = CoordinatorError.failed(role: id, exitCode: .modelUnsupported, problem: "no", remedy: "none")
        for (body, error) in [(Body.goodbye(reason: "enough"), left), (.failure(failure), failed)] {
            var machine = Self.machine()
            expectEnd(&machine, machine.hear(body, from: id, session: 1), without: id, error)
        }
        var machine = Self.machine()
        for other in ["w1", "a", "b"] where other != id {
            _ = machine.take(.heartbeat(time: 1), from: other, session: 1, now: .seconds(9))
        }
        let lost: CoordinatorError =
            id == "a"
            ? .deviceLost(device: "a", seconds: 10, published: nil, samples: 5)
            : .workerLost(worker: "w1", seconds: 10, steps: 0)
        expectEnd(&machine, machine.tick(now: .milliseconds(10_001)).deeds, without: id, lost)
    }

    @Test("a worker that stands by may leave, and a device that has done its part")
    func mayLeave() {
        var machine = Self.machine(["w1", "a", "b", "w2"])
        #expect(machine.hear(.goodbye(reason: ""), from: "w2", session: 1).stopped.isEmpty)
        let done = CoordinatorMachineTests.progress(0, finished: true), totals = DistributedMachineTests.totals
        _ = machine.take(.deviceProgress(done), from: "b", session: 1)
        #expect(machine.hear(.goodbye(reason: ""), from: "b", session: 1).stopped.isEmpty)
        #expect(machine.hear(.workerFinished(totals), from: "w1", session: 1).stopped == ["a", "w1"])
    }

    @Test("the worker that trains is not drained: nobody could take over")
    func drain() {
        var machine = Self.machine(["w1", "a", "b", "w2"])
        let actions = machine.drainRequested("w1") + machine.settle()
        #expect(actions.deeds.isEmpty && actions.entries.count == 1)
    }

    /// Everybody else is told to stop, and the run has failed when they have left. Whoever failed may be answered.
    private func expectEnd(
        _ machine: inout CoordinatorMachine, _ actions: [CoordinatorMachine.Action], without id: String,
        _ error: CoordinatorError
    ) {
        let others = ["a", "b", "w1"].filter { $0 != id }
        #expect(actions.stopped.filter { $0 != id } == others && actions.finish == nil)
        var totals: Body.WorkerFinished?
        if id != "w1" {
            totals = DistributedMachineTests.totals
            _ = machine.hear(.workerFinished(DistributedMachineTests.totals), from: "w1", session: 1)
        }
        #expect(machine.goodbyes(of: others, session: 1).finish == .failed(error, totals))
    }
}
