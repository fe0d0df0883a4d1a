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
        /// The run ended before everybody was there: whoever still comes is told to stop, for nobody else will.
        case dismissing(CoordinatorOutcome, until: Duration)
        /// Everybody was told to stop; the worker still finishes its step.
        case stopping(CoordinatorOutcome)
        case done
    }

    /// More samples than any device's shard has: the worker keeps a table of all of them.
    private static let maximumSamples: UInt64 = 1 << 24
    /// Stands for the worker before its id is known.
    private static let anyWorker = ""

    private let settings: Coordinator.Configuration
    private var phase = Phase.gathering
    /// Devices, and `anyWorker`, that have not registered yet.
    private var absent: Set<String>
    private var samples: [String: Int] = [:]
    private var published: [String: Int] = [:]
    private var worker: (id: String, endpoint: String)?
    private var liveness: Liveness
    private var steps = 0

    init(_ settings: Coordinator.Configuration) {
        self.settings = settings
        absent = Set(settings.devices.map(\.id) + [Self.anyWorker])
        liveness = Liveness(limit: settings.silenceLimit)
    }

    /// A device or the worker sent a message.
    ///
    /// - Parameter now: since any fixed moment.
    mutating func received(_ body: Body, from sender: String, now: Duration) -> [Action] {
        guard phase != .done else { return [] }
        if case .dismissing(let outcome, _) = phase { return dismiss(sender, body, outcome) }
        if samples[sender] != nil || sender == worker?.id { liveness.heard(sender, now: now) }
        switch body {
        case .register(let register): return registered(register, sender, now: now)
        case .deviceProgress(let progress):
            guard samples[sender] != nil else { return [] }
            published[sender] = Int(clamping: progress.publishedSamples)
            if progress.finished { liveness.forget(sender) }
            return [.notify(.deviceProgress(device: sender, progress))]
        case .stepReport(let report):
            guard sender == worker?.id else { return [] }
            steps = Int(clamping: report.step)
            return [.notify(.step(report))]
        case .workerFinished(let totals):
            guard sender == worker?.id else { return [] }
            guard case .stopping(let outcome) = phase else {
                return stopAll("the run is complete") + finish(.completed(totals))
            }
            return finish(outcome.adding(totals))
        case .failure(let failure):
            guard isPlanned(sender) || sender == worker?.id else { return [] }
            return failed(failure, sender, now: now)
        default: return []
        }
    }

    /// Time has passed.
    mutating func tick(now: Duration) -> [Action] {
        switch phase {
        case .done: return []
        case .dismissing(let outcome, let end): return now > end ? finish(outcome) : []
        default: return liveness.lost(now: now).flatMap { lost($0, now: now) }
        }
    }

    /// The user wants the run to end after the step under way.
    mutating func stopRequested(now: Duration) -> [Action] {
        guard phase == .running || phase == .gathering else { return [] }
        return stop(.interrupted(nil), "the run was stopped by its user", now: now)
    }

    private mutating func registered(_ register: Body.Register, _ sender: String, now: Duration) -> [Action] {
        let isKnown = samples[sender] != nil || worker?.id == sender
        switch register.role {
        case .worker:
            guard worker == nil || isKnown, !isPlanned(sender) else { return [] }
            worker = (sender, register.endpoint)
        case .device:
            guard isPlanned(sender) else { return [] }
            if let reason = unfitness(samples: register.samples) {
                absent.remove(sender)
                return failed(CoordinatorError.deviceUnfit(device: sender, reason: reason), now: now)
            }
            samples[sender] = Int(clamping: register.samples)
        }
        absent.remove(register.role == .worker ? Self.anyWorker : sender)
        liveness.heard(sender, now: now)
        let news = isKnown ? [] : [Action.notify(.registered(id: sender, samples: samples[sender]))]
        return news + beginIfComplete()
    }

    private mutating func beginIfComplete() -> [Action] {
        guard phase == .gathering, absent.isEmpty, let worker else { return [] }
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
                        number: UInt32(number), epoch: UInt32(settings.epoch))))
        }
        return [.send(to: worker.id, .runPlan(plan))] + assignments + [.notify(.began)]
    }

    private func unfitness(samples: UInt64) -> String? {
        if samples == 0 { return "it has no samples" }
        return samples > Self.maximumSamples
            ? "it states \(samples) samples, at most \(Self.maximumSamples) are possible" : nil
    }

    private mutating func failed(_ failure: Body.Failure, _ sender: String, now: Duration) -> [Action] {
        let error = CoordinatorError.failed(
            role: sender, exitCode: ExitCode(rawValue: failure.exitCode) ?? .unexpected, problem: failure.problem,
            remedy: failure.remedy)
        liveness.forget(sender)
        // A worker that failed will not finish its step: there is nobody to wait for.
        if sender == worker?.id { worker = nil }
        absent.remove(sender)
        return failed(error, now: now)
    }

    private mutating func lost(_ peer: String, now: Duration) -> [Action] {
        let seconds = settings.silenceLimit.seconds
        guard peer == worker?.id else {
            return failed(
                CoordinatorError.deviceLost(
                    device: peer, seconds: seconds, published: published[peer] ?? 0, samples: samples[peer] ?? 0),
                now: now)
        }
        worker = nil
        return failed(CoordinatorError.workerLost(worker: peer, seconds: seconds, steps: steps), now: now)
    }

    private mutating func failed(_ error: CoordinatorError, now: Duration) -> [Action] {
        if case .stopping(let outcome) = phase {
            // The first failure is the cause; what follows from it changes nothing but whether the worker still ends.
            return worker == nil ? finish(outcome) : []
        }
        return stop(.failed(error, nil), "the run failed: \(error.problem)", now: now)
    }

    /// Tells everybody who is there, and stays for those who must still be heard or told.
    private mutating func stop(_ outcome: CoordinatorOutcome, _ reason: String, now: Duration) -> [Action] {
        let actions = stopAll(reason)
        switch phase {
        case .running where worker != nil: phase = .stopping(outcome)
        case .gathering where !absent.isEmpty: phase = .dismissing(outcome, until: now + settings.silenceLimit)
        default: return actions + finish(outcome)
        }
        return actions
    }

    private mutating func dismiss(_ sender: String, _ body: Body, _ outcome: CoordinatorOutcome) -> [Action] {
        switch body {
        case .register(let register):
            guard register.role == .worker || isPlanned(sender) else { return [] }
            absent.remove(register.role == .worker ? Self.anyWorker : sender)
            let stop = Action.send(to: sender, .stop(Body.Stop(reason: "the run has ended")))
            return [stop] + (absent.isEmpty ? finish(outcome) : [])
        case .failure:
            absent.remove(sender)
            return absent.isEmpty ? finish(outcome) : []
        default: return []
        }
    }

    private func isPlanned(_ device: String) -> Bool { settings.devices.contains { $0.id == device } }

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
