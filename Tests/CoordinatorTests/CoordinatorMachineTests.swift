import Diagnostics
import Randomness
import Testing
import Wire

@testable import Coordinator

@Suite("Coordinator machine")
struct CoordinatorMachineTests {
    static let settings = Coordinator.Configuration(
        run: "run", endpoint: "inproc://coordinator", devices: [.init(id: "a", cut: 2), .init(id: "b", cut: 4)],
        seed: 7, silenceLimit: .seconds(10), epoch: 3)
    static let samples: [String: UInt64] = ["a": 5, "b": 9]
    static let totals = Body.WorkerFinished(
        steps: 3, epochs: 1, tokens: 9, samples: 12, seconds: 1, bytesUp: 2, bytesDown: 1)

    static func registration(_ id: String, samples: UInt64? = nil) -> Body {
        id == "w"
            ? .register(.init(role: .worker, samples: 0, threads: 2, endpoint: "inproc://w"))
            : .register(.init(role: .device, samples: samples ?? self.samples[id] ?? 1, threads: 1))
    }

    static func progress(_ samples: UInt64, finished: Bool = false) -> Body.DeviceProgress {
        Body.DeviceProgress(
            publishedSamples: samples, tokens: 0, computeNanoseconds: 0, bytesUp: 0, bytesDown: 0, finished: finished)
    }

    /// A machine whose devices and worker have registered.
    static func running() -> CoordinatorMachine {
        var machine = CoordinatorMachine(settings)
        for id in ["a", "b", "w"] { _ = machine.received(registration(id), from: id, now: .zero) }
        return machine
    }

    @Test(
        "in whatever order devices and worker come, the plan is the same",
        arguments: [
            ["a", "b", "w"], ["a", "w", "b"], ["b", "a", "w"], ["b", "w", "a"], ["w", "a", "b"], ["w", "b", "a"],
        ])
    func anyOrder(order: [String]) {
        var machine = CoordinatorMachine(Self.settings)
        var actions: [CoordinatorMachine.Action] = []
        for id in order {
            actions = machine.received(Self.registration(id), from: id, now: .zero)
            let news = CoordinatorEvent.registered(id: id, samples: Self.samples[id].map { Int($0) })
            #expect(actions.first == .notify(news))
            if id != order.last { #expect(actions.count == 1) }
        }
        let plan = Body.RunPlan(
            devices: [.init(device: "a", samples: 5, cut: 2), .init(device: "b", samples: 9, cut: 4)], seed: 7,
            generation: 1)
        #expect(
            actions.dropFirst() == [
                .send(to: "w", .runPlan(plan)),
                .send(
                    to: "a",
                    .assignment(
                        .init(cut: 2, workerEndpoint: "inproc://w", seed: 7, generation: 1, number: 0, epoch: 3))),
                .send(
                    to: "b",
                    .assignment(
                        .init(cut: 4, workerEndpoint: "inproc://w", seed: 7, generation: 1, number: 1, epoch: 3))),
                .notify(.began),
            ])
    }

    @Test("a device that is not in the plan changes nothing, whatever it says")
    func strangers() {
        for var machine in [CoordinatorMachine(Self.settings), Self.running()] {
            let sayings: [Body] = [
                Self.registration("z"), .deviceProgress(Self.progress(1)), .heartbeat(time: 1),
                .failure(.init(exitCode: 1, problem: "p", remedy: "r")), .workerFinished(Self.totals),
                .stepReport(Self.report(1)),
            ]
            for body in sayings {
                #expect(machine.received(body, from: "z", now: .zero).isEmpty, "\(body.name)")
            }
            #expect(machine.tick(now: .seconds(5)).isEmpty)
        }
    }

    @Test("a device cannot speak as the worker, and no second worker takes the first one's place")
    func roles() {
        var machine = Self.running()
        #expect(machine.received(.workerFinished(Self.totals), from: "a", now: .zero).isEmpty)
        #expect(machine.received(.stepReport(Self.report(1)), from: "a", now: .zero).isEmpty)
        #expect(machine.received(Self.registration("w"), from: "x", now: .zero).isEmpty)
        #expect(machine.received(.workerFinished(Self.totals), from: "w", now: .zero).finish == .completed(Self.totals))
    }

    @Test("a device with no samples, or with more than a run can hold, is refused by name", arguments: [0, .max])
    func unfit(samples: UInt64) {
        var machine = CoordinatorMachine(Self.settings)
        var actions = machine.received(Self.registration("a", samples: samples), from: "a", now: .zero)
        actions += machine.tick(now: .seconds(11))
        guard case .failed(let error, nil) = actions.finish else {
            Issue.record("\(actions)")
            return
        }
        #expect(error.exitCode == .dataTooFew && error.problem.hasPrefix("a cannot take part: "))
    }

    @Test("a silent device is lost: everybody is told to stop, and the outcome has its counts and the worker's totals")
    func deviceLost() {
        var machine = Self.running()
        _ = machine.received(.deviceProgress(Self.progress(3)), from: "a", now: .seconds(1))
        for id in ["b", "w"] { _ = machine.received(.heartbeat(time: 1), from: id, now: .seconds(9)) }
        #expect(machine.tick(now: .seconds(11)).isEmpty)
        let actions = machine.tick(now: .milliseconds(11_001))
        #expect(actions.stopped == ["a", "b", "w"] && actions.finish == nil)
        #expect(machine.tick(now: .seconds(12)).isEmpty)
        #expect(
            machine.received(.workerFinished(Self.totals), from: "w", now: .seconds(12)).finish
                == .failed(.deviceLost(device: "a", seconds: 10, published: 3, samples: 5), Self.totals))
    }

    @Test("a finished device may be silent")
    func finishedDevice() {
        var machine = Self.running()
        for id in ["a", "b"] {
            let actions = machine.received(
                .deviceProgress(Self.progress(9, finished: true)), from: id, now: .seconds(1))
            #expect(actions == [.notify(.deviceProgress(device: id, Self.progress(9, finished: true)))])
        }
        _ = machine.received(.heartbeat(time: 1), from: "w", now: .seconds(999))
        #expect(machine.tick(now: .seconds(1000)).isEmpty)
    }

    @Test("a silent worker is lost with its steps, and nobody waits for its totals")
    func workerLost() {
        var machine = Self.running()
        let news = machine.received(.stepReport(Self.report(4)), from: "w", now: .zero)
        #expect(news == [.notify(.step(Self.report(4)))])
        for id in ["a", "b"] { _ = machine.received(.heartbeat(time: 1), from: id, now: .seconds(9)) }
        let actions = machine.tick(now: .seconds(11))
        #expect(actions.stopped.starts(with: ["a", "b"]))
        #expect(actions.finish == .failed(.workerLost(worker: "w", seconds: 10, steps: 4), nil))
    }

    @Test("who cannot go on ends the run with its own exit code and remedy", arguments: ["a", "w"])
    func failure(id: String) {
        var machine = Self.running()
        let error = CoordinatorError.failed(
            role: id, exitCode: .storeFull, problem: "the disk is full", remedy: "buy one")
        var actions = machine.received(
            .failure(.init(exitCode: 53, problem: "the disk is full", remedy: "buy one")), from: id, now: .zero)
        #expect(actions.stopped.starts(with: ["a", "b"]))
        if id == "a" { actions = machine.received(.workerFinished(Self.totals), from: "w", now: .zero) }
        #expect(actions.finish == .failed(error, id == "a" ? Self.totals : nil))
        #expect(error.exitCode == .storeFull && error.remedy == "buy one")
    }

    @Test("the first failure is the cause, whatever follows from it")
    func firstFailure() {
        var machine = Self.running()
        let cause = Body.Failure(exitCode: 61, problem: "first", remedy: "r")
        _ = machine.received(.failure(cause), from: "a", now: .zero)
        let next = Body.Failure(exitCode: 50, problem: "second", remedy: "r")
        #expect(machine.received(.failure(next), from: "b", now: .zero).isEmpty)
        let actions = machine.received(.failure(next), from: "w", now: .zero)
        #expect(
            actions == [.finish(.failed(.failed(role: "a", exitCode: .diverged, problem: "first", remedy: "r"), nil))])
    }

    @Test("stop during the run waits for the worker's step and totals")
    func stopDuring() {
        var machine = Self.running()
        let actions = machine.stopRequested(now: .zero)
        #expect(actions.stopped == ["a", "b", "w"] && actions.finish == nil)
        #expect(machine.stopRequested(now: .zero).isEmpty)
        #expect(
            machine.received(.workerFinished(Self.totals), from: "w", now: .zero)
                == [.finish(.interrupted(Self.totals))])
    }

    @Test("stop before everybody is there ends the run once all who were still to come have been told")
    func stopBefore() {
        var machine = CoordinatorMachine(Self.settings)
        _ = machine.received(Self.registration("a"), from: "a", now: .zero)
        #expect(machine.stopRequested(now: .zero).finish == nil)
        let worker = machine.received(Self.registration("w"), from: "w", now: .zero)
        #expect(worker.stopped == ["w"] && worker.finish == nil)
        #expect(machine.received(.workerFinished(Self.totals), from: "w", now: .zero).isEmpty)
        let last = machine.received(Self.registration("b"), from: "b", now: .zero)
        #expect(last.stopped == ["b"] && last.finish == .interrupted(nil))
    }

    @Test("stop before everybody is there waits for those to come no longer than for a silent one")
    func stopBeforeInVain() {
        var machine = CoordinatorMachine(Self.settings)
        _ = machine.stopRequested(now: .seconds(3))
        #expect(machine.tick(now: .seconds(13)).isEmpty)
        #expect(machine.tick(now: .milliseconds(13_001)).finish == .interrupted(nil))
    }

    @Test("stop after the end changes nothing")
    func stopAfter() {
        var machine = Self.running()
        let actions = machine.received(.workerFinished(Self.totals), from: "w", now: .zero)
        #expect(actions.stopped == ["a", "b", "w"] && actions.finish == .completed(Self.totals))
        #expect(machine.stopRequested(now: .zero).isEmpty)
        #expect(machine.tick(now: .seconds(100)).isEmpty)
        #expect(machine.received(Self.registration("a"), from: "a", now: .zero).isEmpty)
    }

    @Test("in a random walk, the run begins once, ends once, and nothing is said after its end", arguments: 0..<30)
    func randomWalk(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "coordinator-walk")
        var machine = CoordinatorMachine(Self.settings)
        var now = Duration.zero, begun = 0, ended = 0
        for _ in 0..<3000 {
            now += .milliseconds(Int.random(in: 0...500, using: &chance))
            let id = ["a", "b", "w", "z"][Int.random(in: 0..<4, using: &chance)]
            let body: Body?
            switch Int.random(in: 0..<1000, using: &chance) {
            case 0..<100: body = Self.registration(id)
            case 100..<700: body = .heartbeat(time: 1)
            case 700..<800: body = .deviceProgress(Self.progress(UInt64.random(in: 0...9, using: &chance)))
            case 800..<900: body = .stepReport(Self.report(1))
            case 900..<902: body = .workerFinished(Self.totals)
            case 902..<904: body = .failure(.init(exitCode: 1, problem: "p", remedy: "r"))
            default: body = nil
            }
            var actions = body.map { machine.received($0, from: id, now: now) } ?? machine.tick(now: now)
            if Int.random(in: 0..<2000, using: &chance) == 0 { actions += machine.stopRequested(now: now) }
            #expect(ended == 0 || actions.isEmpty, "seed \(seed)")
            begun += actions.count { $0 == .notify(.began) }
            ended += actions.count { if case .finish = $0 { true } else { false } }
            #expect(actions.allSatisfy { if case .send("z", _) = $0 { false } else { true } }, "seed \(seed)")
        }
        for seconds in [100, 200] {
            let actions = machine.tick(now: now + .seconds(seconds))
            ended += actions.count { if case .finish = $0 { true } else { false } }
        }
        #expect(begun <= 1 && ended == 1, "seed \(seed)")
    }

    private static func report(_ step: UInt64) -> Body.StepReport {
        Body.StepReport(
            step: step, epoch: 1, loss: 0, accuracy: 0, learningRate: 0, tokens: 1, samples: 1, seconds: 0,
            queueDepth: 0, bytesUp: 0)
    }
}

extension [CoordinatorMachine.Action] {
    /// How the run ended, if it did.
    fileprivate var finish: CoordinatorOutcome? {
        compactMap { if case .finish(let outcome) = $0 { outcome } else { nil } }.first
    }

    /// Who was told to stop.
    fileprivate var stopped: [String] {
        compactMap { if case .send(let peer, .stop) = $0 { peer } else { nil } }
    }
}
