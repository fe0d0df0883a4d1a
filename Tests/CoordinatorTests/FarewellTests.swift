import Foundation
import Ledger
import Testing
import Wire

@testable import Coordinator

@Suite("The end of a run that somebody misses")
struct FarewellTests {
    private static let settings = {
        var settings = DistributedMachineTests.settings
        settings.linger = .seconds(30)
        return settings
    }()
    private static let totals = CoordinatorMachineTests.totals

    /// A machine to which these have come, each in session 1.
    private func machine(
        _ ids: [String] = ["a", "b", "w1"], settings: Coordinator.Configuration = settings
    ) -> CoordinatorMachine {
        var machine = CoordinatorMachine(settings)
        for id in ids { _ = machine.take(DistributedMachineTests.registration(id), from: id, session: 1) }
        return machine
    }

    /// The last step was taken at a moment.
    private func end(_ machine: inout CoordinatorMachine, now: Duration = .zero) -> [CoordinatorMachine.Action] {
        machine.take(.workerFinished(Self.totals), from: "w1", session: 1, now: now)
    }

    @Test("with everybody there it ends with the last goodbye, and nobody is told of anybody")
    func everybody() {
        var machine = machine()
        #expect(end(&machine).finish == nil)
        #expect(machine.passTime(now: .seconds(1)).isEmpty)
        #expect(machine.goodbyes(of: ["a", "w1", "b"], session: 1) == [.finish(.completed(Self.totals))])
    }

    @Test("a device that is away is waited for until it has come, was told, and has left", arguments: 0..<3)
    func away(word: Int) {
        var machine = machine()
        for id in ["b", "w1"] { _ = machine.take(.heartbeat(time: 1), from: id, session: 1, now: .seconds(9)) }
        #expect(machine.passTime(now: .seconds(11)).events.count == 1)
        _ = end(&machine, now: .seconds(12))
        #expect(machine.goodbyes(of: ["b", "w1"], session: 1).isEmpty)
        let news = machine.tick(now: .seconds(15))
        #expect(news.events == [.lingering(for: ["a"], seconds: 27)])
        let isRecorded = news.entries.contains {
            if case .event(let event) = $0 { event.text.hasSuffix("they hear of the end: a") } else { false }
        }
        #expect(isRecorded)
        #expect(machine.passTime(now: .seconds(41)).isEmpty)
        let words = [
            DistributedMachineTests.registration("a"), .recipeRequest(.device), Body.heartbeat(time: 5),
        ]
        let answer = machine.hear(words[word], from: "a", session: 9, now: .seconds(41))
        #expect(answer == [.send(to: "a", session: 9, .stop(.init(reason: "the run has ended")))])
        #expect(machine.goodbyes(of: ["a"], session: 9) == [.finish(.completed(Self.totals))])
    }

    @Test("whoever never comes is waited for as long as was said, and no longer", arguments: [true, false])
    func limit(isPresent: Bool) {
        var machine = machine()
        if !isPresent {
            for id in ["b", "w1"] { _ = machine.take(.heartbeat(time: 1), from: id, session: 1, now: .seconds(9)) }
            _ = machine.tick(now: .seconds(11))
        }
        _ = end(&machine, now: .seconds(12))
        #expect(machine.goodbyes(of: ["b", "w1"], session: 1).isEmpty)
        #expect(machine.passTime(now: .seconds(42)).finish == nil)
        #expect(machine.passTime(now: .milliseconds(42_001)) == [.finish(.completed(Self.totals))])
    }

    @Test("who said goodbye or failed before, was never there, or had its key revoked, is not waited for")
    func gone() throws {
        for gone in 0..<4 {
            var machine = machine(gone == 1 ? ["a", "w1"] : ["a", "b", "w1"])
            switch gone {
            case 0: _ = machine.take(.goodbye(reason: "tired"), from: "b", session: 1)
            case 1: break
            case 2:
                _ = machine.take(.failure(.init(exitCode: 51, problem: "p", remedy: "r")), from: "b", session: 1)
            default:
                let json = #"{"id":"b","role":"device","publicKey":"key","enrolled":1,"revoked":2}"#
                _ = machine.keysChanged([try JSONDecoder().decode(KeyRecord.self, from: Data(json.utf8))])
            }
            // A run whose devices have not all come can only be stopped.
            _ = machine.stopRequested(now: .zero)
            #expect(end(&machine).deeds.isEmpty)
            let last = machine.goodbyes(of: ["a", "w1"], session: 1)
            #expect(last == [.finish(.interrupted(Self.totals))], "\(gone)")
        }
    }

    @Test("a standby worker that is away is waited for; one that was drained and left is not")
    func standby() {
        for isDrained in [true, false] {
            var machine = machine(["a", "b", "w1", "w2"])
            if isDrained {
                #expect(machine.drainRequested("w2").stopped == ["w2"])
                _ = machine.take(.goodbye(reason: ""), from: "w2", session: 1)
            } else {
                machine.undelivered(to: "w2")
            }
            _ = end(&machine)
            let last = machine.goodbyes(of: ["a", "b", "w1"], session: 1)
            #expect(last.finish == (isDrained ? .completed(Self.totals) : nil))
            guard !isDrained else { continue }
            #expect(machine.hear(DistributedMachineTests.registration("w2"), from: "w2", session: 2).stopped == ["w2"])
            #expect(machine.goodbyes(of: ["w2"], session: 2).finish == .completed(Self.totals))
        }
    }

    @Test("its user ends the wait at once")
    func interrupted() {
        var machine = machine()
        _ = end(&machine)
        var left = machine
        #expect(left.stopRequested(now: .seconds(1)) == [.finish(.completed(Self.totals))])
        #expect(machine.leaveRequested() == [.finish(.completed(Self.totals))])
    }

    @Test("with --stay it is there for whoever comes or looks, however long ago the run ended, until it is stopped")
    func stays() {
        var settings = Self.settings
        settings.stays = true
        var machine = machine(settings: settings)
        #expect(end(&machine).events.contains(.staying(after: .completed(Self.totals))))
        #expect(machine.goodbyes(of: ["a", "b", "w1"], session: 1).isEmpty)
        #expect(machine.passTime(now: .seconds(100_000)).isEmpty)
        let word = DistributedMachineTests.registration("a")
        let late = machine.hear(word, from: "a", session: 2, now: .seconds(100_000))
        #expect(late == [.send(to: "a", session: 2, .stop(.init(reason: "the run has ended")))])
        #expect(machine.goodbyes(of: ["a"], session: 2).isEmpty)
        #expect(machine.passTime(now: .seconds(200_000)).isEmpty)
        #expect(machine.leaveRequested() == [.finish(.completed(Self.totals))])
    }

    @Test("an order does not end one that is to stay; whoever runs it does, before the end of the run or after it")
    func stopping() {
        var settings = Self.settings
        settings.stays = true
        var machine = machine(settings: settings)
        _ = end(&machine)
        _ = machine.goodbyes(of: ["a", "b", "w1"], session: 1)
        #expect(machine.stopRequested(byOrder: true, now: .seconds(1)).isEmpty)
        #expect(machine.stopRequested(now: .seconds(1)) == [.finish(.completed(Self.totals))])

        var stopped = self.machine(settings: settings)
        #expect(stopped.stopRequested(now: .zero).finish == nil)
        _ = end(&stopped)
        #expect(stopped.goodbyes(of: ["a", "b", "w1"], session: 1) == [.finish(.interrupted(Self.totals))])

        var left = self.machine(settings: settings)
        #expect(left.leaveRequested().finish == .left)
    }

    @Test("a coordinator that is started after the end waits for whoever may not have heard, as long as was said")
    func startedAgain() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let ledger = try Ledger(folder: folder.path, access: .coordinator)
        var settings = Self.settings
        settings.devices.append(.init(id: "never", cut: 1))
        var machine = CoordinatorMachine(settings)
        try ledger.record(machine.begin(now: .zero).entries)
        for id in ["a", "b", "w1"] {
            let actions = machine.take(DistributedMachineTests.registration(id), from: id, session: 1)
            try ledger.record(actions.entries)
        }
        for id in ["b", "w1"] {
            let actions = machine.take(.heartbeat(time: 1), from: id, session: 1, now: .seconds(9))
            try ledger.record(actions.entries)
        }
        try ledger.record(machine.tick(now: .seconds(11)).entries)
        try ledger.record(machine.take(.workerFinished(Self.totals), from: "w1", session: 1, now: .seconds(11)).entries)

        let state = try ledger.state(of: "run")
        #expect(state.run.state == .completed && state.devices.map(\.state) == [.away, .publishing, .absent])
        var again = try CoordinatorMachine(settings, restoring: state)
        #expect(again.begin(now: .zero).finish == nil)
        var late = again
        #expect(late.passTime(now: .seconds(3)).events == [.lingering(for: ["a", "b", "w1"], seconds: 27)])
        #expect(late.passTime(now: .milliseconds(30_001)).finish != nil)
        for id in ["a", "b", "w1"] {
            #expect(again.hear(DistributedMachineTests.registration(id), from: id, session: 2).stopped == [id])
        }
        #expect(again.goodbyes(of: ["a", "b"], session: 2).isEmpty)
        #expect(again.goodbyes(of: ["w1"], session: 2).finish != nil)
    }
}
