import Balancing
import Diagnostics
import Ledger
import Queueing
import Wire

/// What a coordinator does next, as a pure function of what has happened: no socket, no file and no clock of its own.
///
/// It keeps the plan: who holds how many samples, which worker owns the run, who runs how many blocks. What it decides it
/// first has recorded and then tells, so that a coordinator that is started again from the ledger says the same again.
struct CoordinatorMachine {
    /// Something to do, in this order.
    enum Action: Equatable {
        /// To be durable before anything that follows is done.
        case record([LedgerEntry])
        case send(to: String, session: UInt64, Body)
        /// To be told the recorded steps after one.
        case recall(to: String, session: UInt64, after: Int)
        case notify(CoordinatorEvent)
        /// The run has ended.
        case finish(CoordinatorOutcome)

        /// What it records.
        var entries: [LedgerEntry] { if case .record(let entries) = self { entries } else { [] } }
    }

    enum Phase: Equatable {
        /// Not everybody has been there yet.
        case gathering
        case running
        /// Everybody was told to stop; the worker still finishes its step.
        case stopping(CoordinatorOutcome)
        /// The run has ended; some are still to leave, or to come and be told, for nobody else will tell them.
        case leaving(CoordinatorOutcome, Farewell)
        case done
    }

    /// A worker on its way out.
    struct Drain: Equatable {
        /// Who takes over.
        var successor: String?
        /// Who takes over as the newest plan has it: nobody else can.
        var planned: String?
        /// What the worker told when it had finished its last step.
        var totals: Body.WorkerFinished?
    }

    /// More workers than any run needs: each is remembered.
    static let maximumWorkers = 256
    /// Stands for the worker before its id is known.
    static let anyWorker = ""
    /// How often the live figures are recorded, and the plan is thought over.
    static let cursorInterval = Duration.seconds(1)
    /// Stages of which a worker may tell.
    static let mostStages = 64

    let settings: Coordinator.Configuration
    var phase = Phase.gathering
    /// Whether it is there after the end, until it is told to leave.
    var stays: Bool
    var roster: Roster
    var liveness: Liveness
    /// Minor versions of the protocol that differ, or have differed, from this side's, by id.
    var minors: [String: UInt32] = [:]
    /// The newest plan's, 0 before the first.
    var generation = 0
    /// The newest step, and its epoch.
    var steps = 0
    var stepEpoch = 1
    var isStoreFull = false
    /// Set while the run's owner is on its way out.
    var drain: Drain?
    /// Why there has to be a new plan; empty when the newest one holds.
    var reasons: [String] = []
    /// Devices, by number, that get an assignment with the next plan, each for a reason.
    var reassigned: [Int: String] = [:]
    var nextCursors = Duration.zero
    /// Nil when the cuts stay as they are.
    var policy: BalancePolicy?
    /// What the newest plan says of the whole run's length, and of what it waits for.
    var predictedSeconds: Double?
    var bottleneck: String?
    /// How old the run was when this coordinator began.
    var age = Duration.zero
    /// The run as an earlier coordinator has left it.
    var before: RecordedRun?
    /// What coordinator and workers have refused, by role and id.
    var refusals: [RefusalBook.Source: RefusalBook] = [:]
    /// What was last recorded of each worker's computations.
    var compute: [String: ComputeRecord] = [:]
    /// Micro-batches that were last recorded of each worker.
    var shares: [String: UInt64] = [:]
    /// What waits at each worker and what its stages did, and of whom that is to be recorded.
    var queues: [String: QueueRecord] = [:]
    var newestSteps: [String: StepOperations] = [:]
    var queueNews: Set<String> = []
    var stepNews: Set<String> = []
    var actions: [Action] = []

    init(_ settings: Coordinator.Configuration) {
        self.settings = settings
        stays = settings.stays
        roster = Roster(settings.devices, Pipelines(replicas: settings.replicas, stages: settings.stages))
        liveness = Liveness(limit: settings.silenceLimit)
        policy = settings.balancing.map { BalancePolicy(model: $0.model, settings: $0.settings) }
    }

    /// A device or a worker sent a message.
    ///
    /// - Parameters:
    ///   - session: the conversation that the message belongs to.
    ///   - now: since any fixed moment.
    mutating func received(
        _ body: Body, from sender: String, session: UInt64 = 0, now: Duration
    ) -> [Action] {
        switch phase {
        case .done: break
        case .leaving: receivedLate(body, sender, session: session)
        default: take(body, sender, session: session, now: now)
        }
        return takeActions()
    }

    /// What has come together since the last call becomes a plan: once per batch of messages, for a thousand devices may
    /// register at once.
    mutating func settle() -> [Action] {
        if phase == .gathering || phase == .running { plan() }
        return takeActions()
    }

    /// Time has passed.
    mutating func tick(now: Duration) -> [Action] {
        switch phase {
        case .done: return []
        case .leaving(let outcome, let farewell): wait(for: farewell, outcome, now: now)
        default:
            for peer in liveness.lost(now: now) { lost(peer, now: now) }
            guard now >= nextCursors else { break }
            nextCursors = now + Self.cursorInterval
            recordCursors(now: now)
            recordQueues()
            rebalance(now: now)
            chooseCodecs()
        }
        return takeActions()
    }

    /// A message could not be sent to somebody: with their next word they are asked to register, and told everything.
    mutating func undelivered(to peer: String) {
        if settings.losses != .fail { roster.endSession(of: peer) }
    }

    private mutating func take(_ body: Body, _ sender: String, session: UInt64, now: Duration) {
        switch body {
        case .recipeRequest(let role): return answerRecipe(role, sender, session: session)
        case .register(let register): return registered(register, sender, session: session, now: now)
        // Whoever cannot even come in must be able to say why.
        case .failure(let failure) where roster.knows(sender):
            failed(failure, sender, now: now)
            return answerFailure(of: sender, session: session)
        default: break
        }
        guard !sender.isEmpty, roster.session(of: sender) == session else {
            return actions.append(.send(to: sender, session: session, .registerAgain))
        }
        heard(sender, now: now)
        switch body {
        case .heartbeat(let time): send(.heartbeatReply(time: time), to: sender)
        case .deviceProgress(let progress): progressed(progress, sender)
        case .stepReport(let report): stepped(report, sender)
        case .stepsWanted(let step): historyWanted(after: step, sender)
        case .queueReport(let report): queued(report, sender, now: now)
        case .workerFinished(let totals): workerFinished(totals, sender, now: now)
        case .handedOver(let handedOver): self.handedOver(handedOver, sender)
        case .goodbye(let reason): left(sender, reason, now: now)
        default: break
        }
    }

    private mutating func heard(_ sender: String, now: Duration) {
        if let number = roster.number(of: sender) {
            roster.devices[number].lastHeard = now
            roster.devices[number].hasNews = true
            // A device that has published everything leaves without a word when nobody else is to come back.
            if roster.devices[number].state == .finished, settings.losses == .fail { return }
        }
        liveness.heard(sender, now: now)
    }

    private mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }
}

// What the other parts of the machine say it with.
extension CoordinatorMachine {
    mutating func record(_ entries: LedgerEntry...) { actions.append(.record(entries)) }

    mutating func notify(_ event: CoordinatorEvent) { actions.append(.notify(event)) }

    /// Sends something to somebody who is there; whoever is not is told when they register.
    mutating func send(_ body: Body, to peer: String) {
        guard let session = roster.session(of: peer) else { return }
        actions.append(.send(to: peer, session: session, body))
    }

    mutating func event(_ level: EventRecord.Level, _ source: String, _ text: String) {
        let isDevice = roster.number(of: source) != nil
        let role = isDevice ? "device" : roster.workers[source] != nil ? "worker" : "coordinator"
        record(.event(EventRecord(run: settings.run, level: level, role: role, source: source, text: text)))
    }

    mutating func setState(_ state: DeviceRecord.State, ofDevice number: Int) {
        guard roster.devices[number].state != state else { return }
        roster.devices[number].state = state
        record(.deviceState(run: settings.run, device: roster.devices[number].id, state))
    }

    mutating func setState(_ state: WorkerRecord.State, ofWorker id: String) {
        guard let worker = roster.workers[id], worker.state != state else { return }
        // That it is to leave must be known when it comes back.
        if id == roster.owner, drain != nil, state == .away || state == .failed { return }
        roster.workers[id]?.state = state
        record(.workerState(run: settings.run, worker: id, state, step: worker.step))
    }
}
