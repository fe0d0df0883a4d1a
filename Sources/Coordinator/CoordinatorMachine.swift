import Diagnostics
import Queueing
import Wire

/// What a coordinator does next, as a pure function of what has happened: no socket and no clock of its own.
///
/// It waits for every device and the worker, tells each its part of the plan, follows the run, and ends it: when the
/// worker has taken every step, when somebody is lost or fails, or when the user says stop.
struct CoordinatorMachine {
    /// Something to do.
    enum Action: Equatable {
        case send(to: String, Body)
        case notify(CoordinatorEvent)
        /// The run has ended.
        case finish(CoordinatorOutcome)
    }

    private enum Phase: Equatable {
        case gathering, running
        /// Everybody was told to stop; the worker still finishes its step.
        case stopping(CoordinatorOutcome)
        case done
    }

    private let settings: Coordinator.Configuration
    private var phase = Phase.gathering
    private var samples: [String: Int] = [:]
    private var published: [String: Int] = [:]
    private var worker: (id: String, endpoint: String)?
    private var liveness: Liveness
    private var steps = 0

    init(_ settings: Coordinator.Configuration) {
        self.settings = settings
        liveness = Liveness(limit: settings.silenceLimit)
    }

    /// A device or the worker sent a message.
    ///
    /// - Parameter now: since any fixed moment.
    mutating func received(_ body: Body, from sender: String, now: Duration) -> [Action] {
        guard phase != .done else { return [] }
        if samples[sender] != nil || sender == worker?.id { liveness.heard(sender, now: now) }
        switch body {
        case .register(let register): return registered(register, sender, now: now)
        case .deviceProgress(let progress):
            guard samples[sender] != nil else { return [] }
            published[sender] = Int(clamping: progress.publishedSamples)
            if progress.finished { liveness.forget(sender) }
            return [.notify(.deviceProgress(device: sender, progress))]
        case .stepReport(let report):
            steps = Int(clamping: report.step)
            return [.notify(.step(report))]
        case .workerFinished(let totals):
            guard case .stopping(let outcome) = phase else {
                return stopAll("the run is complete") + finish(.completed(totals))
            }
            return finish(outcome.adding(totals))
        case .failure(let failure): return failed(failure, sender)
        default: return []
        }
    }

    /// Time has passed.
    mutating func tick(now: Duration) -> [Action] {
        guard phase != .done else { return [] }
        return liveness.lost(now: now).flatMap { lost($0) }
    }

    /// The user wants the run to end after the step under way.
    mutating func stopRequested() -> [Action] {
        guard phase == .running || phase == .gathering else { return [] }
        let actions = stopAll("the run was stopped by its user")
        guard phase == .running else { return actions + finish(.interrupted(nil)) }
        phase = .stopping(.interrupted(nil))
        return actions
    }

    private mutating func registered(_ register: Body.Register, _ sender: String, now: Duration) -> [Action] {
        let isKnown = samples[sender] != nil || worker?.id == sender
        switch register.role {
        case .worker:
            worker = (sender, register.endpoint)
        case .device:
            guard settings.devices.contains(where: { $0.id == sender }) else { return [] }
            guard register.samples > 0 else {
                return failed(CoordinatorError.deviceUnfit(device: sender, reason: "it has no samples"))
            }
            samples[sender] = Int(clamping: register.samples)
        }
        liveness.heard(sender, now: now)
        let news = isKnown ? [] : [Action.notify(.registered(id: sender, samples: samples[sender]))]
        return news + beginIfComplete()
    }

    private mutating func beginIfComplete() -> [Action] {
        guard phase == .gathering, let worker, samples.count == settings.devices.count else { return [] }
        phase = .running
        let plan = Body.RunPlan(
            devices: settings.devices.map { device in
                Body.DevicePlan(
                    device: device.id, samples: UInt64(samples[device.id] ?? 0), cut: UInt32(device.cut))
            }, seed: settings.seed, generation: 1)
        let assignments = settings.devices.enumerated().map { number, device in
            Action.send(
                to: device.id,
                .assignment(
                    Body.Assignment(
                        cut: UInt32(device.cut), workerEndpoint: worker.endpoint, seed: settings.seed, generation: 1,
                        number: UInt32(number))))
        }
        return [.send(to: worker.id, .runPlan(plan))] + assignments + [.notify(.began)]
    }

    private mutating func failed(_ failure: Body.Failure, _ sender: String) -> [Action] {
        let error = CoordinatorError.failed(
            role: sender, exitCode: ExitCode(rawValue: failure.exitCode) ?? .unexpected, problem: failure.problem,
            remedy: failure.remedy)
        liveness.forget(sender)
        // A worker that failed will not finish its step: there is nobody to wait for.
        if sender == worker?.id { worker = nil }
        return failed(error)
    }

    private mutating func lost(_ peer: String) -> [Action] {
        let seconds = settings.silenceLimit.seconds
        guard peer == worker?.id else {
            return failed(
                CoordinatorError.deviceLost(
                    device: peer, seconds: seconds, published: published[peer] ?? 0, samples: samples[peer] ?? 0))
        }
        worker = nil
        return failed(CoordinatorError.workerLost(worker: peer, seconds: seconds, steps: steps))
    }

    private mutating func failed(_ error: CoordinatorError) -> [Action] {
        if case .stopping(let outcome) = phase {
            // The first failure is the cause; what follows from it changes nothing but whether the worker still ends.
            return worker == nil ? finish(outcome) : []
        }
        let actions = stopAll("the run failed: \(error.problem)")
        guard phase == .running, worker != nil else { return actions + finish(.failed(error, nil)) }
        phase = .stopping(.failed(error, nil))
        return actions
    }

    private func stopAll(_ reason: String) -> [Action] {
        (settings.devices.map(\.id) + [worker?.id].compactMap { $0 }).map {
            .send(to: $0, .stop(Body.Stop(reason: reason)))
        }
    }

    private mutating func finish(_ outcome: CoordinatorOutcome) -> [Action] {
        phase = .done
        return [.finish(outcome)]
    }
}
