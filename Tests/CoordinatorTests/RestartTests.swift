import Foundation
import Ledger
import Randomness
import Testing
import Wire

@testable import Coordinator

@Suite("A coordinator that is started again", .timeLimit(.minutes(2)))
struct RestartTests {
    private static let settings = DistributedMachineTests.settings
    private static let ids = ["a", "b", "w1", "w2", "w3"]

    /// What must be the same after a restart.
    private struct Memory: Equatable {
        var owner: String?
        var successor: String?
        var isDraining: Bool
        var generation: Int
        var steps: Int
        var devices: [String]

        init(_ machine: CoordinatorMachine) {
            owner = machine.roster.owner
            successor = machine.drain?.successor
            isDraining = machine.drain != nil
            generation = machine.generation
            steps = machine.steps
            devices = machine.roster.devices.map {
                "\($0.id) \($0.samples ?? 0) \($0.cut) \($0.generation) \($0.worker ?? "")"
            }
        }
    }

    /// A ledger in a folder of its own, which is deleted in the end.
    private func withLedger(_ body: (Ledger) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(try Ledger(folder: folder.path, access: .coordinator))
    }

    @Test(
        "in a random walk with restarts at any moment: what is told was recorded, generations grow, there is one owner",
        arguments: 0..<16)
    func randomWalk(seed: UInt64) throws {
        try withLedger { ledger in
            var chance = SeededGenerator(seed: seed, stream: "coordinator-restarts")
            var machine = CoordinatorMachine(Self.settings)
            var truth = RecordedTruth()
            var sessions = Dictionary(uniqueKeysWithValues: Self.ids.map { ($0, UInt64(1)) })
            var now = Duration.zero
            var step = UInt64(0)
            var context: Comment { "seed \(seed), step \(step)" }
            var actions: [CoordinatorMachine.Action] = []
            try ledger.record(machine.begin(now: now).entries)
            var restarts = 0
            for _ in 0..<150 {
                for _ in 0..<Int.random(in: 1...4, using: &chance) {
                    now += .milliseconds(Int.random(in: 0...1500, using: &chance))
                    let id = Self.ids[Int.random(in: 0..<Self.ids.count, using: &chance)]
                    actions += happen(to: id, &machine, &sessions, &step, now, &chance)
                }
                actions += machine.settle()
                let fate = Int.random(in: 0..<20, using: &chance)
                // Killed before the record: nothing was told either.
                if fate != 0 {
                    try ledger.record(actions.entries)
                    try truth.follow(actions, context)
                    #expect(truth.owner == machine.roster.owner || machine.roster.owner == nil, context)
                }
                actions = []
                if fate < 2 {
                    restarts += 1
                    let before = Memory(machine)
                    machine = try CoordinatorMachine(Self.settings, restoring: try ledger.state(of: "run"))
                    if fate == 1 { #expect(Memory(machine) == before, context) }
                    actions = machine.begin(now: now)
                } else if fate == 2 {
                    let copy = try CoordinatorMachine(Self.settings, restoring: try ledger.state(of: "run"))
                    #expect(Memory(copy) == Memory(machine), context)
                }
            }
            try settleDown(&machine, ledger, &truth, sessions, now, context)
            _ = try ledger.verifyChain("run")
            #expect(restarts > 0)
        }
    }

    /// Everybody comes once more: then all know the same, and the run goes on.
    private func settleDown(
        _ machine: inout CoordinatorMachine, _ ledger: Ledger, _ truth: inout RecordedTruth,
        _ sessions: [String: UInt64], _ now: Duration, _ context: Comment
    ) throws {
        var last: [CoordinatorMachine.Action] = []
        // A worker that has handed over is told to leave once before it stands by.
        for round in UInt64(1)...2 {
            for id in Self.ids {
                let session = (sessions[id] ?? 0) + round
                let actions = machine.take(
                    DistributedMachineTests.registration(id), from: id, session: session, now: now)
                try ledger.record(actions.entries)
                try truth.follow(actions, context)
                last += actions
            }
        }
        let owner = try #require(machine.roster.owner)
        #expect(machine.phase == .running && last.plan(for: owner)?.predecessor == "", context)
        for id in ["a", "b"] { #expect(last.assignment(for: id)?.worker == owner, context) }
        let restored = try CoordinatorMachine(Self.settings, restoring: try ledger.state(of: "run"))
        #expect(Memory(restored) == Memory(machine), context)
    }

    private func happen(
        to id: String, _ machine: inout CoordinatorMachine, _ sessions: inout [String: UInt64], _ step: inout UInt64,
        _ now: Duration, _ chance: inout SeededGenerator
    ) -> [CoordinatorMachine.Action] {
        func say(_ body: Body) -> [CoordinatorMachine.Action] {
            let actions = machine.received(body, from: id, session: sessions[id] ?? 0, now: now)
            // Whoever is asked to register does so.
            guard actions.sends(to: id).contains(.registerAgain) else { return actions }
            sessions[id, default: 0] += 1
            return actions
                + machine.received(
                    DistributedMachineTests.registration(id), from: id, session: sessions[id] ?? 0, now: now)
        }
        switch Int.random(in: 0..<100, using: &chance) {
        case 0..<15:
            sessions[id, default: 0] += 1
            return say(DistributedMachineTests.registration(id))
        case 15..<50: return say(.heartbeat(time: 1))
        case 50..<60: return say(.deviceProgress(CoordinatorMachineTests.progress(3)))
        case 60..<75:
            if id == machine.roster.owner { step += 1 }
            return say(.stepReport(CoordinatorMachineTests.report(max(1, step))))
        case 75..<79: return say(.goodbye(reason: ""))
        case 79..<82: return say(.workerFinished(DrainTests.drained))
        case 82..<88: return say(DrainTests.everything)
        case 88..<91: return machine.drainRequested(id)
        case 91..<93: return say(.failure(.init(exitCode: 53, problem: "p", remedy: "r")))
        case 93..<95:
            machine.undelivered(to: id)
            return []
        default: return machine.tick(now: now)
        }
    }

    @Test("a hand-over that was not committed begins again; one that was goes on")
    func handOver() throws {
        for isCommitted in [false, true] {
            try withLedger { ledger in
                var machine = CoordinatorMachine(Self.settings)
                try ledger.record(machine.begin(now: .zero).entries)
                for id in ["w1", "a", "b", "w2"] {
                    let actions = machine.take(DistributedMachineTests.registration(id), from: id, session: 1)
                    try ledger.record(actions.entries)
                }
                try ledger.record(DrainTests.drain(&machine).entries)
                if isCommitted {
                    try ledger.record(machine.take(DrainTests.everything, from: "w2", session: 1).entries)
                }

                machine = try CoordinatorMachine(Self.settings, restoring: try ledger.state(of: "run"))
                try ledger.record(machine.begin(now: .zero).entries)
                // The old one comes first: it must not be sent away because nobody else is there yet.
                let old = machine.take(DistributedMachineTests.registration("w1"), from: "w1", session: 2)
                let new = machine.take(DistributedMachineTests.registration("w2"), from: "w2", session: 2)
                let device = machine.take(DistributedMachineTests.registration("a"), from: "a", session: 2)
                if isCommitted {
                    #expect(old.stopped == ["w1"] && old.plan(for: "w1") == nil)
                    #expect(new.plan(for: "w2")?.predecessor == "")
                    #expect(device.assignment(for: "a")?.worker == "w2")
                } else {
                    #expect(old.drain(for: "w1")?.successor == "w2" && old.stopped.isEmpty)
                    #expect(new.plan(for: "w2")?.predecessor == "w1")
                    #expect(device.assignment(for: "a")?.worker == "w1")
                }
            }
        }
    }

    @Test("a run that is complete, or was to stop, tells everybody who comes, and ends")
    func over() throws {
        for isComplete in [true, false] {
            try withLedger { ledger in
                var machine = CoordinatorMachine(Self.settings)
                try ledger.record(machine.begin(now: .zero).entries)
                for id in ["w1", "a", "b"] {
                    let actions = machine.take(DistributedMachineTests.registration(id), from: id, session: 1)
                    try ledger.record(actions.entries)
                }
                let report = CoordinatorMachineTests.report(1)
                try ledger.record(machine.take(.stepReport(report), from: "w1", session: 1).entries)
                let last =
                    isComplete
                    ? machine.take(.workerFinished(CoordinatorMachineTests.totals), from: "w1", session: 1)
                    : machine.stopRequested(now: .zero)
                try ledger.record(last.entries)

                machine = try CoordinatorMachine(Self.settings, restoring: try ledger.state(of: "run"))
                let begin = machine.begin(now: .zero)
                try ledger.record(begin.entries)
                #expect(try ledger.run("run").state == (isComplete ? .completed : .interrupted))
                #expect(begin.finish == nil)
                for id in ["w1", "a", "b"] {
                    let late = machine.take(DistributedMachineTests.registration(id), from: id, session: 2)
                    #expect(late.stopped == [id] && late.finish == nil)
                }
                var outcome: CoordinatorOutcome?
                for id in ["w1", "a", "b"] {
                    outcome = machine.take(.goodbye(reason: ""), from: id, session: 2).finish
                }
                switch outcome {
                case .completed(let totals): #expect(isComplete && totals.steps == 1)
                case .interrupted(nil): #expect(!isComplete)
                default: Issue.record("\(String(describing: outcome))")
                }
            }
        }
    }

    @Test("a ledger of another run is refused with the difference")
    func otherRun() throws {
        try withLedger { ledger in
            var machine = CoordinatorMachine(Self.settings)
            try ledger.record(machine.begin(now: .zero).entries)
            let state = try ledger.state(of: "run")
            var settings = Self.settings
            settings.seed = 8
            #expect(throws: CoordinatorError.otherRun(run: "run", difference: "its seed is 7, not 8")) {
                _ = try CoordinatorMachine(settings, restoring: state)
            }
            settings = Self.settings
            settings.devices.reverse()
            #expect(throws: CoordinatorError.self) { _ = try CoordinatorMachine(settings, restoring: state) }
        }
    }
}
