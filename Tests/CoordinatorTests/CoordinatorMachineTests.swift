import Diagnostics
import Ledger
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
        for id in ["a", "b", "w"] { _ = machine.hear(registration(id), from: id) }
        return machine
    }

    @Test(
        "in whatever order devices and worker come, everybody learns the same plan, as soon as it concerns them",
        arguments: [
            ["a", "b", "w"], ["a", "w", "b"], ["b", "a", "w"], ["b", "w", "a"], ["w", "a", "b"], ["w", "b", "a"],
        ])
    func anyOrder(order: [String]) {
        var machine = CoordinatorMachine(Self.settings)
        var actions: [CoordinatorMachine.Action] = []
        var plan: Body.RunPlan?
        var assignments: [String: Body.Assignment] = [:]
        for (place, id) in order.enumerated() {
            actions = machine.hear(Self.registration(id), from: id)
            let news = CoordinatorEvent.registered(id: id, samples: Self.samples[id].map { Int($0) })
            #expect(actions.events.first == news)
            #expect(actions.events.contains(.began) == (place == 2))
            for case .send("w", _, .runPlan(let next)) in actions {
                #expect(next.generation > plan?.generation ?? 0)
                plan = next
            }
            for case .send(let device, _, .assignment(let assignment)) in actions { assignments[device] = assignment }
            // Whoever is there publishes as soon as there is a worker, whoever else is still to come.
            let there = order[...place].contains("w") ? Set(order[...place]).subtracting(["w"]) : []
            #expect(Set(assignments.keys) == there)
        }
        #expect(plan?.devices == [.init(device: "a", samples: 5, cut: 2), .init(device: "b", samples: 9, cut: 4)])
        #expect(plan?.seed == 7)
        for (number, device) in Self.settings.devices.enumerated() {
            let generation = assignments[device.id]?.generation ?? 0
            #expect(
                assignments[device.id]
                    == .init(
                        cut: UInt32(device.cut), workerEndpoint: "inproc://w", seed: 7, generation: generation,
                        number: UInt32(number), epoch: 3, worker: "w", codec: PayloadCodec.f32.rawValue))
            #expect(generation > 0 && generation <= plan?.generation ?? 0)
        }
    }

    @Test("a device that is not in the plan is told so, and changes nothing, whatever it says")
    func strangers() {
        for var machine in [CoordinatorMachine(Self.settings), Self.running()] {
            let generation = machine.generation
            let sayings: [Body] = [
                .deviceProgress(Self.progress(1)), .heartbeat(time: 1), .workerFinished(Self.totals),
                .stepReport(Self.report(1)), .handedOver(.init(step: 1, messages: 1)), .goodbye(reason: ""),
            ]
            for body in sayings {
                let actions = machine.hear(body, from: "z")
                #expect(actions == [.send(to: "z", session: 0, .registerAgain)], "\(body.name)")
            }
            #expect(machine.hear(.failure(.init(exitCode: 1, problem: "p", remedy: "r")), from: "z").finish == nil)
            let refusal = machine.hear(Self.registration("z"), from: "z")
            #expect(refusal.count == 1 && refusal.rejections == [11])
            #expect(refusal.rejection?.contains("its devices are a, b") == true)
            #expect(machine.generation == generation && machine.phase != .done)
        }
    }

    @Test("a device cannot speak as the worker, and no second worker takes the first one's place")
    func roles() {
        var machine = Self.running()
        #expect(machine.hear(.workerFinished(Self.totals), from: "a").isEmpty)
        #expect(machine.hear(.stepReport(Self.report(1)), from: "a").isEmpty)
        #expect(machine.hear(Self.registration("w"), from: "a").rejections == [14])
        #expect(machine.hear(Self.registration("w"), from: "x") == [.notify(.registered(id: "x", samples: nil))])
        #expect(machine.hear(.workerFinished(Self.totals), from: "x").isEmpty)
        #expect(machine.hear(.workerFinished(Self.totals), from: "w").finish == nil)
        #expect(machine.goodbyes(of: ["a", "b", "w", "x"]) == [.finish(.completed(Self.totals))])
    }

    @Test("a device with no samples, or with more than a run can hold, is refused by name", arguments: [0, .max])
    func unfit(samples: UInt64) {
        var machine = CoordinatorMachine(Self.settings)
        var actions = machine.hear(Self.registration("a", samples: samples), from: "a")
        actions += machine.passTime(now: .seconds(11))
        guard case .failed(let error, nil) = actions.finish else {
            Issue.record("\(actions)")
            return
        }
        #expect(error.exitCode == .dataTooFew && error.problem.hasPrefix("a cannot take part: "))
    }

    @Test("a silent device is lost: everybody is told to stop, and the outcome has its counts and the worker's totals")
    func deviceLost() {
        var machine = Self.running()
        _ = machine.hear(.deviceProgress(Self.progress(3)), from: "a", now: .seconds(1))
        for id in ["b", "w"] { _ = machine.hear(.heartbeat(time: 1), from: id, now: .seconds(9)) }
        #expect(machine.passTime(now: .seconds(11)).isEmpty)
        let actions = machine.passTime(now: .milliseconds(11_001))
        #expect(actions.stopped == ["a", "b", "w"] && actions.finish == nil)
        #expect(machine.passTime(now: .seconds(12)).isEmpty)
        #expect(machine.hear(.workerFinished(Self.totals), from: "w", now: .seconds(12)).isEmpty)
        #expect(
            machine.goodbyes(of: ["b", "w"])
                == [.finish(.failed(.deviceLost(device: "a", seconds: 10, published: 3, samples: 5), Self.totals))])
    }

    @Test("the most memory of a device is recorded when it has finished, if it says so")
    func peak() {
        var machine = Self.running()
        func peaks(_ progress: Body.DeviceProgress, from id: String) -> [LedgerEntry] {
            machine.take(.deviceProgress(progress), from: id).entries.filter {
                if case .peak = $0 { true } else { false }
            }
        }
        var progress = Self.progress(3)
        progress.peakMemoryBytes = 170
        #expect(peaks(progress, from: "a").isEmpty)
        progress.finished = true
        progress.peakMemoryBytes = 190
        #expect(
            peaks(progress, from: "a")
                == [.peak(PeakRecord(run: Self.settings.run, device: "a", peakBytes: 190))])
        progress.peakMemoryBytes = 0
        #expect(peaks(progress, from: "b").isEmpty)
    }

    @Test("a finished device may be silent")
    func finishedDevice() {
        var machine = Self.running()
        for id in ["a", "b"] {
            let actions = machine.hear(
                .deviceProgress(Self.progress(9, finished: true)), from: id, now: .seconds(1))
            #expect(actions == [.notify(.deviceProgress(device: id, Self.progress(9, finished: true)))])
        }
        _ = machine.hear(.heartbeat(time: 1), from: "w", now: .seconds(999))
        #expect(machine.passTime(now: .seconds(1000)).isEmpty)
    }

    @Test("a silent worker is lost with its steps, and nobody waits for its totals")
    func workerLost() {
        var machine = Self.running()
        let news = machine.hear(.stepReport(Self.report(4)), from: "w")
        #expect(news == [.notify(.step(Self.report(4))), .send(to: "w", session: 0, .stepRecorded(step: 4))])
        for id in ["a", "b"] { _ = machine.hear(.heartbeat(time: 1), from: id, now: .seconds(9)) }
        let actions = machine.passTime(now: .seconds(11))
        #expect(actions.stopped.starts(with: ["a", "b"]) && actions.finish == nil)
        #expect(
            machine.goodbyes(of: ["a", "b"]) == [.finish(.failed(.workerLost(worker: "w", seconds: 10, steps: 4), nil))]
        )
    }

    @Test("who cannot go on ends the run with its own exit code and remedy", arguments: ["a", "w"])
    func failure(id: String) {
        var machine = Self.running()
        let error = CoordinatorError.failed(
            role: id, exitCode: .storeFull, problem: "the disk is full", remedy: "buy one")
        var actions = machine.hear(
            .failure(.init(exitCode: 53, problem: "the disk is full", remedy: "buy one")), from: id)
        #expect(actions.stopped.starts(with: ["a", "b"]))
        if id == "a" { actions = machine.hear(.workerFinished(Self.totals), from: "w") }
        #expect(actions.finish == nil)
        let others = id == "a" ? ["b", "w"] : ["a", "b"]
        #expect(machine.goodbyes(of: others) == [.finish(.failed(error, id == "a" ? Self.totals : nil))])
        #expect(error.exitCode == .storeFull && error.remedy == "buy one")
    }

    @Test("the first failure is the cause, whatever follows from it")
    func firstFailure() {
        var machine = Self.running()
        let cause = Body.Failure(exitCode: 61, problem: "first", remedy: "r")
        _ = machine.hear(.failure(cause), from: "a")
        let next = Body.Failure(exitCode: 50, problem: "second", remedy: "r")
        let answer = machine.hear(.failure(next), from: "b")
        #expect(answer.stopped == ["b"] && answer.count == 1)
        let actions = machine.hear(.failure(next), from: "w")
        #expect(actions.stopped == ["w"] && actions.count == 2)
        let first = CoordinatorError.failed(role: "a", exitCode: .diverged, problem: "first", remedy: "r")
        #expect(actions.last == .finish(.failed(first, nil)))
    }

    @Test("stop during the run waits for the worker's step and totals")
    func stopDuring() {
        var machine = Self.running()
        let actions = machine.stopRequested(now: .zero).deeds
        #expect(actions.stopped == ["a", "b", "w"] && actions.finish == nil)
        #expect(machine.stopRequested(now: .zero).deeds.isEmpty)
        #expect(machine.goodbyes(of: ["a"]).isEmpty)
        #expect(machine.hear(.workerFinished(Self.totals), from: "w").isEmpty)
        #expect(machine.hear(.deviceProgress(Self.progress(9, finished: true)), from: "b").isEmpty)
        #expect(machine.goodbyes(of: ["w"]) == [.finish(.interrupted(Self.totals))])
    }

    @Test("stop before everybody is there ends the run once all who were still to come have been told")
    func stopBefore() {
        var machine = CoordinatorMachine(Self.settings)
        _ = machine.hear(Self.registration("a"), from: "a")
        #expect(machine.stopRequested(now: .zero).deeds.finish == nil)
        let worker = machine.hear(Self.registration("w"), from: "w")
        #expect(worker.stopped == ["w"] && worker.finish == nil)
        #expect(machine.hear(.workerFinished(Self.totals), from: "w").isEmpty)
        let last = machine.hear(Self.registration("b"), from: "b")
        #expect(last.stopped == ["b"] && last.finish == nil)
        #expect(machine.goodbyes(of: ["a", "b", "w"]) == [.finish(.interrupted(nil))])
    }

    @Test("stop before everybody is there waits for those to come no longer than for a silent one")
    func stopBeforeInVain() {
        var machine = CoordinatorMachine(Self.settings)
        _ = machine.stopRequested(now: .seconds(3)).deeds
        #expect(machine.passTime(now: .seconds(13)).isEmpty)
        #expect(machine.passTime(now: .milliseconds(13_001)).finish == .interrupted(nil))
    }

    @Test("stop after the end changes nothing")
    func stopAfter() {
        var machine = Self.running()
        let actions = machine.hear(.workerFinished(Self.totals), from: "w")
        #expect(actions.stopped == ["a", "b", "w"] && actions.finish == nil)
        #expect(machine.stopRequested(now: .zero).deeds.isEmpty)
        #expect(machine.goodbyes(of: ["a", "b", "w"]).finish == .completed(Self.totals))
        #expect(machine.stopRequested(now: .zero).deeds.isEmpty)
        #expect(machine.passTime(now: .seconds(100)).isEmpty)
        #expect(machine.hear(Self.registration("a"), from: "a").isEmpty)
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
            var actions = body.map { machine.hear($0, from: id, now: now) } ?? machine.passTime(now: now)
            if Int.random(in: 0..<2000, using: &chance) == 0 { actions += machine.stopRequested(now: now).deeds }
            #expect(ended == 0 || actions.isEmpty, "seed \(seed)")
            begun += actions.count { $0 == .notify(.began) }
            ended += actions.count { if case .finish = $0 { true } else { false } }
            let answersToStrangers = actions.sends(to: "z").allSatisfy {
                switch $0 {
                case .reject, .registerAgain: true
                default: false
                }
            }
            #expect(answersToStrangers, "seed \(seed)")
        }
        for seconds in [100, 200] {
            let actions = machine.passTime(now: now + .seconds(seconds))
            ended += actions.count { if case .finish = $0 { true } else { false } }
        }
        #expect(begun <= 1 && ended == 1, "seed \(seed)")
    }

    static func report(_ step: UInt64) -> Body.StepReport {
        Body.StepReport(
            step: step, epoch: 1, loss: 0, accuracy: 0, learningRate: 0, tokens: 1, samples: 1, seconds: 0,
            queueDepth: 0, bytesUp: 0)
    }
}
