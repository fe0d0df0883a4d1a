import Datasets
import Queueing
import Wire

/// What a worker does next, as a pure function of what has happened: no socket, no thread, no arithmetic.
///
/// It joins the ingress (each message once), the credit ledger (bytes on their way), the book of what is stored and the
/// work schedule (what to compute when).
struct WorkerMachine {
    /// What a run is to the worker.
    struct Settings: Sendable {
        var epochs: Int
        var batch: Int
        /// How the samples of a step are chosen.
        var order = TrainingOrder.deterministic
        var frozenBlocks: Int
        var creditBytesPerDevice: Int
        var ingestBytes = 256 << 20
        /// Bytes of one row of activations.
        var rowBytes = 4
        /// Raw values of the compressions that it can expand.
        var compressions: [UInt32] = []
        /// Passes over frozen blocks that run at the same time.
        var advanceLimit: Int
        var staysUntilStopped = false
        var endsWhenFull = true
        /// How long a worker that was asked to leave by its own process waits for the coordinator to say more.
        var graceLimit = Duration.seconds(5)
    }

    /// Something to do.
    enum Action: Equatable {
        /// Answer a device, or a worker that hands over.
        case reply(to: String, session: UInt64, Body)
        /// Check the message in hand, call `accepted` and store it, then call `stored`; or call `refused`.
        case checkAndStore(Delivery)
        /// Check and keep the piece of a file in hand, and acknowledge it.
        case keepPiece(Body.HandoverFile, from: String, session: UInt64)
        /// Throw away the pieces of files so far: they come again.
        case forgetPieces
        /// Make the pieces a checkpoint, then call `adopted`.
        case adopt
        /// Keep a message that was given up.
        case keepDeadLetter(Delivery, WireError)
        /// Let the store forget a damaged message, then call `forgotten`.
        case forget(device: UInt32, sequence: UInt64)
        /// Let in the keys of a plan, and no others.
        case enroll(Body.RunPlan)
        /// Make ready what trains, then call `began`.
        case begin(counts: [Int])
        /// Run frozen blocks over these samples' activations, then call `advanced`.
        case advance(samples: [SampleReference], blocks: Range<Int>)
        /// Train on these samples, then call `stepped`.
        case step(epoch: Int, samples: [SampleReference])
        /// Do what follows a step, before the next: a checkpoint that is due keeps the steps that are not recorded.
        case keep(Body.StepReport, unrecorded: [Body.StepReport])
        /// Write a checkpoint, then call `checkpointed`.
        case checkpoint(unrecorded: [Body.StepReport])
        /// Tell the coordinator.
        case tell(Body)
        /// Tell the coordinator the totals.
        case tellFinished(drained: Bool)
        /// Hand everything to another worker.
        case handOver(Body.Drain)
        /// Compute parts of another worker's steps; nil for no more.
        case follow(Body.WorkerPeer?)
        /// Send a device's message on to the leader.
        case forward(MessageBook.Message, device: UInt32)
        /// These are later stages, in their order.
        case arrange(stages: [String])
        /// A replica can be given parts of steps.
        case replicaJoined(String, session: UInt64)
        /// A replica is not to be given anything any more.
        case replicaLeft(String)
        /// Take what a replica has computed.
        case takePart(Body, from: String, session: UInt64)
        case tellObserver(WorkerEvent)
        /// The store is full for good, and nothing else is under way.
        case fail(StoreError)
        case leave(WorkerOutcome)
    }

    /// Where a message came from, and where it belongs.
    struct Delivery: Equatable {
        let sender: String
        let session: UInt64
        let part: MessagePart
        let attempt: UInt32
        let activations: Body.Activations

        /// As in the message: what answers must say.
        var origin: UInt32 { activations.origin }
    }

    /// A part of a message on its way to the store.
    struct Pending {
        var delivery: Delivery
        let charge: CreditLedger.Charge
        let message: MessageBook.Message
    }

    /// Where the worker stands.
    enum Phase: Equatable {
        case serving
        /// It leaves as soon as nothing is under way.
        case ending(WorkerOutcome)
        case checkpointing(WorkerOutcome)
        /// The coordinator was told, and has the last word.
        case ended(WorkerOutcome)
        case left
    }

    let settings: Settings
    var phase = Phase.serving
    var plan: Body.RunPlan?
    var numbers: [String: UInt32] = [:]
    var sessions: [String: UInt64] = [:]
    /// Devices that introduced themselves before they could be welcomed.
    var greetings: [String: UInt64] = [:]

    var ingress = Ingress()
    var ledger: CreditLedger
    var book = MessageBook()
    var pending: [MessagePart: Pending] = [:]

    var schedule: WorkSchedule?
    var hasBegun = false
    /// What trains is being made ready.
    var isPreparing = false
    /// Set while the recorded steps are asked for.
    var history: History?
    var isStepping = false
    /// Whether parts of another worker's steps are computed.
    var isFollowing = false
    /// Messages of devices that were sent on to the leader, and those that it has.
    var forwarded = 0
    var caughtUp = 0
    /// Accounts of credit of the replicas.
    var replicaAccounts: [String: UInt32] = [:]
    /// What the coordinator has not written down yet.
    var reports: [Body.StepReport] = []

    var order: Body.Drain?
    var isHandingOver = false
    var handedOver: Body.HandedOver?
    var graceBegan: Duration?
    var isAdopting = false

    var roomBytes = Int.max
    var refusal: StoreError?
    var isToldFull = false
    var lastRefusal: Duration?

    /// Step reports that may wait for the coordinator before training does.
    static let mostReports = 4096

    /// How long the store counts as full after its disk refused a message.
    static let diskPause = Duration.seconds(5)

    init(_ settings: Settings) {
        self.settings = settings
        ledger = CreditLedger(limitBytes: 0, deviceBytes: 0, leastBytes: 0, devices: 0)
    }

    /// Whether the coordinator has said who takes part.
    var isPlanned: Bool { plan != nil }

    /// Samples that have arrived and that no step has used yet in this epoch.
    var queueDepth: Int { schedule?.queueDepth ?? 0 }

    /// Whether training goes on as soon as samples come.
    var lacksSamples: Bool { isServing && !isStepping && schedule?.isFinished == false && mayCompute }

    /// Totals of messages.
    var counts: Ingress.Counts { ingress.counts }

    /// Whether another worker hands over to this one.
    var predecessor: String? { plan.flatMap { $0.predecessor.isEmpty ? nil : $0.predecessor } }

    /// Whether devices' messages are taken.
    var isServing: Bool { phase == .serving }

    /// What the machine does now that something has changed.
    mutating func proceed() -> [Action] {
        if isServing, leader == nil, schedule?.isFinished == true { phase = .ending(.completed) }
        if case .ending(let outcome) = phase { return end(outcome) }
        guard isServing else { return [] }
        var actions = begin()
        let isFull = isFull
        schedule?.startsAdvances = !isFull
        while mayCompute, let work = schedule?.next() {
            switch work {
            case .step(let epoch, let samples):
                isStepping = true
                actions.append(.step(epoch: epoch, samples: samples))
            case .advance(let samples, let cut):
                actions.append(.advance(samples: samples, blocks: cut..<settings.frozenBlocks))
            }
        }
        if settings.endsWhenFull, let refusal, isIdle { actions.append(.fail(refusal)) }
        return actions
    }

    /// Training waits while too much of it is not written down: it could not be told again.
    private var mayCompute: Bool { !settings.staysUntilStopped || reports.count < Self.mostReports }

    var isIdle: Bool { !isStepping && schedule?.advancing ?? 0 == 0 && pending.isEmpty }

    private mutating func begin() -> [Action] {
        guard !hasBegun, !isPreparing, predecessor == nil, !isAdopting, let plan,
            plan.devices.allSatisfy({ $0.samples > 0 })
        else {
            return []
        }
        hasBegun = true
        isPreparing = true
        return [.begin(counts: plan.devices.map { Int($0.samples) })]
    }

    /// What trains is ready, after so many steps.
    ///
    /// - Parameters:
    ///   - unrecorded: steps among them that the coordinator may not know.
    ///   - used: what those of the current epoch have trained, where it is no function of the seed.
    mutating func began(step: Int, unrecorded: [Body.StepReport], used: [UInt64] = []) -> [Action] {
        guard let plan else { return [] }
        isPreparing = false
        // The plan may have changed meanwhile.
        guard hasBegun else { return proceed() }
        if plan.leader != nil { return follow(plan) + proceed() }
        reports = unrecorded
        let told = unrecorded.map { Action.tell(.stepReport($0)) }
        return told + (settings.order.followsArrivals ? askHistory(after: step, used: used) : schedule(after: step))
    }

    /// The schedule begins after a step.
    mutating func schedule(after step: Int, past: WorkSchedule.Past = .init()) -> [Action] {
        guard let plan else { return [] }
        var schedule = WorkSchedule(
            seed: plan.seed, counts: plan.devices.map { Int($0.samples) }, epochs: settings.epochs,
            batch: settings.batch, frozenBlocks: settings.frozenBlocks, advanceLimit: settings.advanceLimit,
            startStep: step, order: settings.order, past: past)
        for message in book.messages { schedule.arrived(message.samples, cut: message.cut) }
        self.schedule = schedule
        return [.tellObserver(.trainingBegan(step: step))] + proceed()
    }

    /// The missing blocks of these samples have been run, and the result is kept.
    mutating func advanced(_ samples: [SampleReference]) -> [Action] {
        schedule?.advanced(samples)
        return forward(samples) + proceed()
    }

    /// The result of missing blocks found no room: they are run again later.
    mutating func notAdvanced(_ samples: [SampleReference], cut: Int, _ error: StoreError, now: Duration) -> [Action] {
        schedule?.notAdvanced(samples, cut: cut)
        return full(error, now: now) + proceed()
    }

    /// The step under way has ended.
    mutating func stepped(_ report: Body.StepReport) -> [Action] {
        isStepping = false
        schedule?.stepped()
        reports.append(report)
        return [.tell(.stepReport(report)), .keep(report, unrecorded: reports)] + proceed()
    }

    /// The coordinator has written steps down.
    mutating func recorded(step: UInt64) -> [Action] {
        reports.removeAll { $0.step <= step }
        return proceed()
    }

    func name(of device: UInt32) -> String? {
        plan.flatMap { device < $0.devices.count ? $0.devices[Int(device)].device : nil }
    }
}
