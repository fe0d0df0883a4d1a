import Diagnostics
import Foundation
import Ledger
import Testing
import Wire

@testable import Coordinator

/// Runs that wait for those who are lost. Sessions are small numbers here.
@Suite("Coordinator machine of a distributed run")
struct DistributedMachineTests {
    static let settings = {
        var settings = CoordinatorMachineTests.settings
        settings.losses = .wait
        settings.recipe = "name: tiny"
        settings.plannedSteps = { 2 * $0 }
        return settings
    }()
    static let totals = CoordinatorMachineTests.totals

    static func registration(_ id: String, samples: UInt64? = nil) -> Body {
        id.hasPrefix("w")
            ? .register(.init(role: .worker, samples: 0, threads: 2, endpoint: "tcp://\(id)", endpointKey: "key-\(id)"))
            : CoordinatorMachineTests.registration(id, samples: samples)
    }

    /// A machine to which these have come, each in session 1.
    static func machine(_ ids: [String] = ["a", "b", "w1"]) -> CoordinatorMachine {
        var machine = CoordinatorMachine(settings)
        for id in ids { _ = machine.take(registration(id), from: id, session: 1) }
        return machine
    }

    @Test("the recipe is given to planned devices with their number, and to any worker, at any time")
    func recipe() {
        for var machine in [CoordinatorMachine(Self.settings), Self.machine()] {
            for (id, role, number) in [("b", Body.Role.device, UInt32(1)), ("w9", .worker, 0)] {
                #expect(
                    machine.hear(.recipeRequest(role), from: id, session: 8)
                        == [.send(to: id, session: 8, .runRecipe(.init(recipe: "name: tiny", number: number)))])
            }
            let refusal = machine.hear(.recipeRequest(.device), from: "c", session: 8)
            #expect(refusal.rejections == [11])
            #expect(refusal.rejection == "no device of the run is called c; its devices are a, b")
            #expect(machine.hear(.recipeRequest(.worker), from: "a").rejections == [14])
        }
    }

    @Test("whoever registers again gets the same assignment or plan, in the new session")
    func registeredAgain() {
        var machine = CoordinatorMachine(Self.settings)
        _ = machine.take(Self.registration("w1"), from: "w1", session: 1)
        let first = machine.take(Self.registration("a"), from: "a", session: 1)
        let again = machine.hear(Self.registration("a"), from: "a", session: 2)
        #expect(again == [.send(to: "a", session: 2, .assignment(first.assignment(for: "a")!))])
        let plan = machine.hear(Self.registration("w1"), from: "w1", session: 5)
        #expect(plan == [.send(to: "w1", session: 5, .runPlan(first.plan(for: "w1")!))])
    }

    @Test("what is said in an earlier session, or before any, is answered with the request to register")
    func sessions() {
        var machine = Self.machine()
        _ = machine.take(Self.registration("a"), from: "a", session: 2)
        for body in [Body.heartbeat(time: 3), .deviceProgress(CoordinatorMachineTests.progress(5, finished: true))] {
            #expect(machine.hear(body, from: "a", session: 1) == [.send(to: "a", session: 1, .registerAgain)])
        }
        #expect(
            machine.hear(.heartbeat(time: 3), from: "a", session: 2)
                == [.send(to: "a", session: 2, .heartbeatReply(time: 3))])
        #expect(
            machine.hear(.heartbeat(time: 3), from: "w2", session: 1) == [.send(to: "w2", session: 1, .registerAgain)])
    }

    @Test("each number of samples that becomes known makes a generation; several at once make one")
    func generations() {
        var machine = CoordinatorMachine(Self.settings)
        _ = machine.take(Self.registration("w1"), from: "w1", session: 1)
        let first = machine.take(Self.registration("a"), from: "a", session: 1)
        #expect(first.plan(for: "w1")?.devices.map(\.samples) == [5, 0] && first.plan(for: "w1")?.generation == 2)
        let second = machine.take(Self.registration("b"), from: "b", session: 1)
        #expect(second.plan(for: "w1")?.devices.map(\.samples) == [5, 9] && second.plan(for: "w1")?.generation == 3)
        #expect(second.assignment(for: "a") == nil && second.assignment(for: "b")?.generation == 3)
        #expect(second.entries.contains(.runState(run: "run", .training, plannedSteps: 28)))

        machine = CoordinatorMachine(Self.settings)
        var actions: [CoordinatorMachine.Action] = []
        for id in ["w1", "a", "b"] {
            actions += machine.received(Self.registration(id), from: id, session: 1, now: .zero)
        }
        actions += machine.settle()
        #expect(actions.plan(for: "w1")?.generation == 1 && actions.plan(for: "w1")?.devices.map(\.samples) == [5, 9])
    }

    @Test("another number of samples than before is refused to that device alone, and the run goes on")
    func otherCount() {
        var machine = Self.machine()
        let actions = machine.take(Self.registration("a", samples: 6), from: "a", session: 2)
        #expect(actions.rejections == [11] && actions.stopped.isEmpty && actions.finish == nil)
        #expect(actions.rejection?.contains("it has 6 samples now and had 5") == true)
        #expect(actions.entries.contains(.deviceState(run: "run", device: "a", .failed)))
        #expect(machine.hear(.heartbeat(time: 1), from: "a", session: 2).sends(to: "a") == [.registerAgain])
        #expect(machine.hear(Self.registration("a"), from: "a", session: 3).events == [.returned(id: "a")])
    }

    @Test("who is silent is away, the run goes on, and comes back by registering", arguments: ["a", "w1"])
    func away(id: String) {
        var machine = Self.machine()
        for other in ["a", "b", "w1"] where other != id {
            _ = machine.take(.heartbeat(time: 1), from: other, session: 1, now: .seconds(9))
        }
        let actions = machine.tick(now: .milliseconds(10_001))
        #expect(actions.events == [.away(id: id, reason: "not heard of for 10 s")])
        let state: LedgerEntry =
            id == "a"
            ? .deviceState(run: "run", device: "a", .away) : .workerState(run: "run", worker: "w1", .away, step: 0)
        #expect(actions.entries.contains(state) && actions.deeds.count == 1)
        #expect(machine.tick(now: .seconds(12)).events.isEmpty)
        #expect(
            machine.hear(.heartbeat(time: 1), from: id, session: 1, now: .seconds(13)).sends(to: id) == [.registerAgain]
        )
        let back = machine.hear(Self.registration(id), from: id, session: 2, now: .seconds(14))
        #expect(back.events == [.returned(id: id)] && back.sends(to: id).count == 1)
        #expect(machine.phase == .running && machine.roster.owner == "w1")
    }

    @Test("while the owner is away nobody takes its place, and its assignments stay")
    func ownerAway() {
        var machine = Self.machine(["w1", "w2", "a", "b"])
        for id in ["w2", "a", "b"] { _ = machine.take(.heartbeat(time: 1), from: id, session: 1, now: .seconds(9)) }
        _ = machine.tick(now: .seconds(11))
        #expect(machine.hear(Self.registration("w3"), from: "w3", session: 1).sends(to: "w3").isEmpty)
        let again = machine.take(Self.registration("a"), from: "a", session: 2)
        #expect(again.assignment(for: "a")?.worker == "w1" && machine.roster.owner == "w1")
    }

    @Test("a worker that comes back at another endpoint is told to every device")
    func moved() {
        var machine = Self.machine()
        let generation = machine.generation
        let actions = machine.take(
            .register(.init(role: .worker, samples: 0, threads: 1, endpoint: "tcp://elsewhere")), from: "w1", session: 2
        )
        for id in ["a", "b"] {
            #expect(actions.assignment(for: id)?.workerEndpoint == "tcp://elsewhere")
            #expect(actions.assignment(for: id)?.generation == UInt64(generation + 1))
        }
    }

    @Test("a step is recorded before it is confirmed, told the observer once, and confirmed as often as it is reported")
    func steps() {
        var machine = Self.machine()
        let report = CoordinatorMachineTests.report(1)
        let first = machine.take(.stepReport(report), from: "w1", session: 1)
        #expect(first.entries.count == 1 && first.first?.entries == first.entries)
        #expect(first.deeds == [.notify(.step(report)), .send(to: "w1", session: 1, .stepRecorded(step: 1))])
        let again = machine.take(.stepReport(report), from: "w1", session: 1)
        #expect(again.entries == first.entries)
        #expect(again.deeds == [.send(to: "w1", session: 1, .stepRecorded(step: 1))])
        var strange = report
        strange.step = 0
        #expect(machine.take(.stepReport(strange), from: "w1", session: 1).isEmpty)
        strange.step = .max
        #expect(machine.take(.stepReport(strange), from: "w1", session: 1).isEmpty)
        strange.step = 2
        strange.loss = .nan
        let second = machine.take(.stepReport(strange), from: "w1", session: 1).entries
        guard case .step(let record)? = second.first else {
            Issue.record("\(second)")
            return
        }
        #expect(record.loss == nil && record.step == 2 && record.worker == "w1")
    }

    @Test("a device that cannot go on is one to wait for; a worker that diverged ends the run")
    func failures() {
        var machine = Self.machine()
        let poisoned = Body.Failure(exitCode: 51, problem: "message 3 was refused", remedy: "look at it")
        let actions = machine.take(.failure(poisoned), from: "a", session: 1)
        // Whoever failed is answered, and nobody else is told anything.
        #expect(actions.stopped == ["a"] && actions.finish == nil)
        #expect(actions.entries.contains(.deviceState(run: "run", device: "a", .failed)))
        guard case .failed("a", let error)? = actions.events.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(error.exitCode == .messageRejected)
        let full = machine.hear(.failure(.init(exitCode: 53, problem: "full", remedy: "r")), from: "w1", session: 1)
        #expect(full.stopped == ["w1"])
        _ = machine.take(Self.registration("w1"), from: "w1", session: 2)
        let diverged = machine.take(.failure(.init(exitCode: 61, problem: "nan", remedy: "r")), from: "w1", session: 2)
        #expect(diverged.stopped == ["b", "w1"])
        #expect(diverged.entries.contains { if case .ended("run", .failed, 61, _) = $0 { true } else { false } })
    }

    @Test("the end is recorded, everybody is told, and the run stays until all have left, or for ten seconds")
    func ending() {
        var machine = Self.machine()
        let actions = machine.take(.workerFinished(Self.totals), from: "w1", session: 1, now: .seconds(1))
        #expect(actions.stopped == ["a", "b", "w1"] && actions.finish == nil)
        #expect(actions.entries.contains { if case .ended("run", .completed, 0, _) = $0 { true } else { false } })
        var late = machine
        #expect(machine.hear(.goodbye(reason: ""), from: "a", session: 1).isEmpty)
        #expect(machine.hear(Self.registration("b"), from: "b", session: 2).stopped == ["b"])
        #expect(machine.hear(.goodbye(reason: ""), from: "w1", session: 1).isEmpty)
        #expect(machine.hear(.goodbye(reason: ""), from: "b", session: 2) == [.finish(.completed(Self.totals))])
        #expect(late.passTime(now: .seconds(4)).events == [.lingering(for: ["a", "b", "w1"], seconds: 7)])
        #expect(late.passTime(now: .seconds(11)).isEmpty)
        #expect(late.passTime(now: .milliseconds(11_001)) == [.finish(.completed(Self.totals))])
    }

    @Test("stop waits for the worker's step and tells whoever comes meanwhile")
    func stop() {
        var machine = Self.machine(["a", "w1"])
        let actions = machine.stopRequested(now: .zero)
        #expect(actions.stopped == ["a", "w1"] && actions.finish == nil)
        #expect(actions.entries.contains(.runState(run: "run", .stopping, plannedSteps: nil)))
        #expect(machine.hear(Self.registration("b"), from: "b", session: 1).stopped == ["b"])
        for id in ["a", "b"] { #expect(machine.hear(.goodbye(reason: ""), from: id, session: 1).isEmpty) }
        #expect(machine.hear(.workerFinished(Self.totals), from: "w1", session: 1).isEmpty)
        #expect(
            machine.hear(.goodbye(reason: ""), from: "w1", session: 1) == [.finish(.interrupted(Self.totals))])
    }

    @Test("stop does not wait for an owner that is silent or leaves")
    func stopWithoutOwner() {
        for leaves in [true, false] {
            var machine = Self.machine()
            _ = machine.stopRequested(now: .zero)
            for id in ["a", "b"] { _ = machine.take(.goodbye(reason: ""), from: id, session: 1) }
            let actions =
                leaves
                ? machine.hear(.goodbye(reason: ""), from: "w1", session: 1) : machine.passTime(now: .seconds(11))
            #expect(actions.finish == .interrupted(nil))
        }
    }

    @Test("the live figures of those with news are recorded about once a second")
    func cursors() {
        var machine = Self.machine()
        _ = machine.tick(now: .zero)
        let queue = Body.DeviceQueue(
            device: "a", samples: 3, messages: 2, bytes: 100, pendingBytes: 10, creditBytes: 50, duplicates: 4,
            redelivered: 5, dead: 6)
        var report = Body.QueueReport(
            devices: [queue], storeBytes: 1, storeCapacity: 2, isFull: false, advanceSeconds: 0, advanceBlockTokens: 0,
            stepSeconds: 0, stepTokens: 0)
        #expect(machine.take(.queueReport(report), from: "w1", session: 1, now: .milliseconds(300)).isEmpty)
        #expect(machine.take(.queueReport(report), from: "b", session: 1, now: .milliseconds(300)).isEmpty)
        #expect(machine.tick(now: .milliseconds(900)).isEmpty)
        let entries = machine.tick(now: .milliseconds(1300)).entries
        guard case .cursors(let cursors)? = entries.first, case .queue? = entries.last, entries.count == 2,
            let cursor = cursors.first
        else {
            Issue.record("\(entries)")
            return
        }
        #expect(cursor.device == "a" && cursor.settledSamples == 3 && cursor.settledBytes == 100 && cursor.dead == 6)
        #expect(cursor.creditBytes == 50 && cursor.silentSeconds == 1.3 && cursors.count == 2)
        #expect(machine.tick(now: .seconds(4)).isEmpty)
        report.isFull = true
        #expect(machine.take(.queueReport(report), from: "w1", session: 1).entries.count == 1)
        #expect(machine.take(.queueReport(report), from: "w1", session: 1).isEmpty)
    }

    private func key(_ id: String, _ text: String, revoked: Double? = nil) throws -> KeyRecord {
        let time = revoked.map { ",\"revoked\":\($0)" } ?? ""
        let role = id.hasPrefix("w") ? "worker" : "device"
        let json = "{\"id\":\"\(id)\",\"role\":\"\(role)\",\"publicKey\":\"\(text)\",\"enrolled\":1\(time)}"
        return try JSONDecoder().decode(KeyRecord.self, from: Data(json.utf8))
    }

    @Test("a revoked device is shut out at once and its worker learns it; enrolled again it may come")
    func keys() throws {
        var machine = Self.machine()
        let keys = [try key("a", "key-a"), try key("b", "key-b"), try key("z", "key-z")]
        var actions = machine.keysChanged(keys) + machine.settle()
        #expect(actions.plan(for: "w1")?.devices.map(\.key) == ["key-a", "key-b"])
        let generation = actions.plan(for: "w1")?.generation ?? 0
        #expect((machine.keysChanged(keys) + machine.settle()).isEmpty)
        actions = machine.keysChanged([try key("a", "key-a", revoked: 2), keys[1]]) + machine.settle()
        #expect(actions.plan(for: "w1")?.devices.map(\.key) == ["", "key-b"])
        #expect(actions.plan(for: "w1")?.generation == generation + 1)
        #expect(actions.entries.contains(.deviceState(run: "run", device: "a", .failed)))
        #expect(machine.hear(Self.registration("a"), from: "a", session: 2).rejections == [13])
        actions = machine.keysChanged([try key("a", "new-key"), keys[1]]) + machine.settle()
        #expect(actions.plan(for: "w1")?.devices.first?.key == "new-key")
        #expect(machine.hear(Self.registration("a"), from: "a", session: 3).assignment(for: "a") != nil)
        actions = machine.keysChanged([try key("w1", "key-w", revoked: 3)])
        #expect(actions.entries.contains(.workerState(run: "run", worker: "w1", .failed, step: 0)))
        #expect(machine.hear(Self.registration("w1"), from: "w1", session: 2).rejections == [13])
    }

    @Test("whoever could not be sent a message is asked to register, and then told everything")
    func undelivered() {
        var machine = Self.machine()
        machine.undelivered(to: "a")
        #expect(machine.hear(.heartbeat(time: 1), from: "a", session: 1).sends(to: "a") == [.registerAgain])
        #expect(machine.hear(Self.registration("a"), from: "a", session: 2).assignment(for: "a") != nil)
    }
}
