import Diagnostics
import Ledger
import Queueing
import Wire

// How the run ends, and what is made of those who are lost before.
extension CoordinatorMachine {
    /// How long a run that has ended stays for those who have not left yet.
    private static let longestLeaving = Duration.seconds(10)

    /// The user wants the run to end after the step under way, or, when it has, that nobody is waited for any more. A
    /// coordinator that is to stay does so after an order; whoever runs its process ends that too.
    mutating func stopRequested(byOrder: Bool = false, now: Duration) -> [Action] {
        if !byOrder { stays = false }
        if phase == .running || phase == .gathering {
            stop(.interrupted(drain?.totals), "the run was stopped by its user", now: now)
        } else if case .leaving(let outcome, _) = phase, settings.losses != .fail, !stays {
            finish(outcome)
        }
        defer { actions = [] }
        return actions
    }

    /// Whoever runs the coordinator wants it to leave. The run goes on with the next one: nobody is told.
    mutating func leaveRequested() -> [Action] {
        if case .leaving(let outcome, _) = phase {
            finish(outcome)
        } else {
            event(.info, "coordinator", "it left; the run goes on when it is started again")
            finish(.left)
        }
        defer { actions = [] }
        return actions
    }

    /// The worker has taken its last step: of the run, before it leaves, or because it was told to stop.
    mutating func workerFinished(_ totals: Body.WorkerFinished, _ id: String, now: Duration) {
        if case .stopping(let outcome) = phase {
            guard id == roster.owner else { return }
            return end(outcome.adding(totals), now: now)
        }
        if totals.drained, settings.losses == .wait { return drained(totals, id) }
        guard id == roster.owner else { return }
        let outcome = totals.drained ? CoordinatorOutcome.interrupted(totals) : .completed(totals)
        tellAll(totals.drained ? "the worker has left" : "the run is complete")
        end(outcome, now: now)
    }

    /// Somebody leaves as it should.
    mutating func left(_ id: String, _ reason: String, now: Duration) {
        guard settings.losses != .fail else {
            // Before that nobody may leave.
            if case .stopping = phase { liveness.forget(id) }
            return
        }
        liveness.forget(id)
        roster.expecting.remove(id)
        roster.endSession(of: id)
        roster.workers[id]?.hasLeft = true
        let text = reason.isEmpty ? "it left" : "it left: \(reason)"
        guard roster.workers[id]?.state != .drained, !isOver(id, text, now: now) else { return }
        isVital(id) ? failed(CoordinatorError.left(id, reason: reason, steps: steps), now: now) : away(id, text)
    }

    /// Somebody was silent for too long.
    mutating func lost(_ id: String, now: Duration) {
        let seconds = settings.silenceLimit.seconds
        let isVital = isVital(id)
        if isVital { roster.endSession(of: id) }
        guard settings.losses == .fail || isVital else {
            roster.endSession(of: id)
            let text = "not heard of for \(Int(seconds)) s"
            return isOver(id, text, now: now) ? () : away(id, text)
        }
        guard let number = roster.number(of: id) else {
            guard id == roster.owner else { return }
            roster.endSession(of: id)
            return failed(CoordinatorError.workerLost(worker: id, seconds: seconds, steps: steps), now: now)
        }
        let device = roster.devices[number]
        let published = isVital ? nil : Int(told: device.progress?.publishedSamples ?? 0)
        failed(
            CoordinatorError.deviceLost(
                device: id, seconds: seconds, published: published, samples: device.samples ?? 0), now: now)
    }

    /// Somebody says why it cannot go on.
    mutating func failed(_ failure: Body.Failure, _ id: String, now: Duration) {
        let error = CoordinatorError.failed(
            role: id, exitCode: ExitCode(rawValue: failure.exitCode) ?? .unexpected, problem: failure.problem,
            remedy: failure.remedy)
        liveness.forget(id)
        roster.expecting.remove(id)
        if let number = roster.number(of: id) {
            setState(.failed, ofDevice: number)
        } else {
            setState(.failed, ofWorker: id)
            // A worker that failed will not finish its step: there is nobody to wait for.
            roster.endSession(of: id)
        }
        // A run that diverged does so again however often its worker is started.
        let isFatal =
            settings.losses == .fail || isVital(id) || (id == roster.owner && error.exitCode == .diverged)
        if settings.losses != .fail { roster.endSession(of: id) }
        if isFatal { return failed(error, now: now) }
        event(.error, id, "\(failure.problem). \(failure.remedy)")
        guard !isOver(id, failure.problem, now: now) else { return }
        notify(.failed(id: id, error))
    }

    /// Whoever cannot go on waits until it knows that this is known, which the end of the run says, too.
    mutating func answerFailure(of id: String, session: UInt64) {
        let isAnswered = actions.contains { if case .send(id, _, .stop) = $0 { true } else { false } }
        guard roster.knows(id), !isAnswered else { return }
        // Nothing is sent after the end.
        let place = actions.firstIndex { if case .finish = $0 { true } else { false } } ?? actions.endIndex
        actions.insert(.send(to: id, session: session, .stop(Body.Stop(reason: "it cannot go on"))), at: place)
    }

    /// Whether what somebody has trained is lost with them, and nobody else can go on.
    private func isVital(_ id: String) -> Bool {
        guard settings.losses == .end, generation > 0 else { return false }
        return roster.number(of: id).map { roster.devices[$0].state != .finished } ?? (id == roster.owner)
    }

    /// The run cannot go on.
    mutating func failed(_ error: CoordinatorError, now: Duration) {
        if case .stopping(let outcome) = phase {
            // The first failure is the cause; what follows from it changes nothing but whether the worker still ends.
            if !isOwnerThere { end(outcome, now: now) }
            return
        }
        stop(.failed(error, nil), "the run failed: \(error.problem)", now: now)
    }

    /// While the run has ended: who leaves, and who comes late.
    mutating func receivedLate(_ body: Body, _ sender: String, session: UInt64) {
        guard case .leaving(let outcome, var farewell) = phase else { return }
        let stop = Action.send(to: sender, session: session, .stop(Body.Stop(reason: "the run has ended")))
        switch body {
        case .goodbye: farewell.left(sender)
        case .failure:
            answerFailure(of: sender, session: session)
            farewell.left(sender)
        // It leaves without a word when nobody else is to come back.
        case .deviceProgress(let progress) where progress.finished && settings.losses == .fail: farewell.left(sender)
        case .register(let register):
            guard roster.number(of: sender) != nil || register.role == .worker else { return }
            actions.append(stop)
            farewell.came(sender)
            if register.role == .worker { farewell.left(Self.anyWorker) }
        case .recipeRequest(let role) where settings.losses != .fail:
            actions.append(stop)
            if (roster.number(of: sender) != nil) == (role == .device) { farewell.came(sender) }
        case .heartbeat where settings.losses != .fail: actions.append(stop)
        default: return
        }
        stay(for: farewell, outcome)
    }

    /// Time has passed while the run has ended.
    mutating func wait(for farewell: Farewell, _ outcome: CoordinatorOutcome, now: Duration) {
        var farewell = farewell
        farewell.expire(now: now)
        if let news = farewell.news(now: now), settings.losses != .fail {
            let names = news.ids.prefix(20).joined(separator: ", ") + (news.ids.count > 20 ? ", …" : "")
            let seconds = news.limit.seconds.rounded(.up)
            event(.info, "coordinator", "waits for up to \(Int(seconds)) s, so that they hear of the end: \(names)")
            notify(.lingering(for: news.ids, seconds: seconds))
        }
        stay(for: farewell, outcome)
    }

    /// Ends when nobody is waited for any more, unless it is to stay anyway.
    private mutating func stay(for farewell: Farewell, _ outcome: CoordinatorOutcome) {
        if farewell.isOver, !stays { return finish(outcome) }
        phase = .leaving(outcome, farewell)
    }

    mutating func finish(_ outcome: CoordinatorOutcome) {
        phase = .done
        actions.append(.finish(outcome))
    }

    /// Tells everybody who is there, and stays for the worker's step.
    private mutating func stop(_ outcome: CoordinatorOutcome, _ reason: String, now: Duration) {
        switch outcome {
        case .failed(let error, _): recordEnd(.failed, error.exitCode, error.problem)
        default: record(.runState(run: settings.run, .stopping, plannedSteps: nil))
        }
        event(.info, "coordinator", reason)
        tellAll(reason)
        let hasWorkToFinish = settings.losses != .fail || phase == .running
        if hasWorkToFinish, isOwnerThere, drain?.totals == nil {
            phase = .stopping(outcome)
        } else {
            end(outcome, now: now)
        }
    }

    /// The run has ended: all that is left is that everybody knows.
    mutating func end(_ outcome: CoordinatorOutcome, now: Duration) {
        switch outcome {
        case .completed: recordEnd(.completed, .success, "every step was taken")
        case .interrupted: recordEnd(.interrupted, .interrupted, "the run was stopped by its user")
        case .failed, .left: break
        }
        // After a restart the last step may be told before everybody has registered again.
        let isDistributed = settings.losses != .fail
        leave(outcome, present: (isDistributed ? roster.present : neverThere) + liveness.expected, now: now)
    }

    /// Stays until those who are present have left, and those who are away have come and left.
    mutating func leave(_ outcome: CoordinatorOutcome, present: [String], now: Duration) {
        var (longest, linger) = (settings.silenceLimit, Duration.zero)
        if settings.losses != .fail { (longest, linger) = (min(Self.longestLeaving, longest), settings.linger) }
        let farewell = Farewell(
            present: (present, now + max(longest, linger)), away: (Array(roster.expecting), now + linger), now: now)
        if stays { notify(.staying(after: outcome)) }
        stay(for: farewell, outcome)
    }

    mutating func recordEnd(_ state: RecordedRun.State, _ code: ExitCode, _ reason: String) {
        record(.ended(run: settings.run, state, exitCode: code.rawValue, reason: reason))
        event(state == .failed ? .error : .info, "coordinator", "\(state.rawValue): \(reason)")
    }

    private mutating func tellAll(_ reason: String) {
        for peer in roster.present { send(.stop(Body.Stop(reason: reason)), to: peer) }
    }

    private var isOwnerThere: Bool { roster.training?.session != nil }

    /// Those who will still come, and have nobody else to tell them.
    private var neverThere: [String] {
        roster.devices.filter { $0.state == .absent }.map(\.id) + (roster.workers.isEmpty ? [Self.anyWorker] : [])
    }

    /// Whether somebody who is gone was the last one that a stopping run waited for.
    private mutating func isOver(_ id: String, _ text: String, now: Duration) -> Bool {
        guard case .stopping(let outcome) = phase else { return false }
        if id == roster.owner { end(outcome, now: now) }
        return true
    }

    private mutating func away(_ id: String, _ reason: String) {
        if let number = roster.number(of: id) {
            // What it has published stays published, and there is nothing to wait for.
            if roster.devices[number].state == .finished { return event(.info, id, reason) }
            setState(.away, ofDevice: number)
        } else {
            setState(.away, ofWorker: id)
            if drain?.successor == id { nameSuccessor(again: false) }
        }
        event(.warning, id, reason)
        notify(.away(id: id, reason: reason))
    }
}
