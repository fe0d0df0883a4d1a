import Datasets
import Queueing
import Wire

/// What a device does next, as a pure function of what has happened: no socket, no thread, no arithmetic.
///
/// A device joins the run, computes its samples in the order in which they will be trained, publishes what its worker
/// does not have yet as far as its credit allows, and sends again what is not acknowledged. A connection may break at
/// any moment: with the next one it introduces itself anew, hears what is settled, and goes on with the rest.
struct DeviceMachine {
    /// What a machine is made for.
    struct Settings {
        /// The most samples of one message.
        var publishBatch: Int
        /// The most payload bytes of one part.
        var partBytes: Int
        var acknowledgementTimeout: Duration
        /// Refusals of one part before its message is given up.
        var maximumAttempts: UInt32
        /// Whether the device stays when everything is settled.
        var staysUntilStopped: Bool
        /// Blocks of the model.
        var maximumCut: Int
        var limits = WireLimits()
    }

    /// Something that happened.
    enum Event {
        /// A session with the coordinator has begun.
        case coordinatorConnected
        /// The coordinator gave the device its part of the plan.
        case assigned(Body.Assignment)
        /// A session with the worker has begun, or its connection broke.
        case workerConnected
        case workerDisconnected
        case welcomed(Body.Welcome)
        case granted(Body.Credit)
        case acknowledged(Body.Ack)
        case rejected(Body.Reject)
        /// The worker answered a heartbeat.
        case answered(heartbeatSentAt: Duration)
        /// The activations of the group under way are there.
        case computed(sequence: UInt64, Publication.Shape)
        /// The transport had no room for a part.
        case notTaken(PublishWindow.Part)
        /// Somebody wants the device to leave.
        case stopped(reason: String)
        /// Nothing was heard of the coordinator for too long.
        case abandoned(PatienceError)
        /// Time has passed.
        case tick
    }

    /// Something to do.
    enum Action: Equatable {
        /// Introduce the device to the coordinator.
        case register(samples: Int)
        /// Leave the worker, if any, and connect to this one.
        case connect(Body.Assignment)
        /// Introduce the device to the worker, in a new session if the present one has been used.
        case hello(samples: Int, isNewSession: Bool)
        /// Compute these samples' activations after the first `cut` blocks, to be written in a codec; nil for the
        /// recipe's.
        case compute(PublicationGroup, cut: Int, codec: PayloadCodec?)
        /// Send a part of a computed message.
        case publish(PublishWindow.Sending, parts: UInt32)
        /// The message is not needed any more.
        case forget(sequence: UInt64)
        /// Tell worker and coordinator that everything is settled.
        case finish(messages: Int, samples: Int)
        /// Say goodbye and leave.
        case leave(reason: String)
        /// End without a goodbye: everything is done.
        case end
        /// Give up.
        case fail(DeviceFailure)
        /// Say what has happened.
        case tell(DeviceEvent)
    }

    /// Why a device gives up.
    enum DeviceFailure: Equatable {
        case device(DeviceError)
        case publishing(PublishError)
        case abandoned(PatienceError)
    }

    /// How far the device and its worker have come in this session.
    enum Conversation {
        /// There is no connection.
        case none
        /// Hello was said, and not answered.
        case greeting
        case welcome
    }

    let settings: Settings
    let lengths: [Int]
    private(set) var isDone = false
    private(set) var assignment: Body.Assignment?
    var conversation = Conversation.none
    /// Empty until the first assignment.
    var publication = Publication([], lengths: [])
    var window: PublishWindow
    var uplink = UplinkMeter()
    /// Says when a registration without an assignment is repeated: either may be lost without the connection.
    private var registration: Backoff
    /// Says when Hello is repeated.
    var hello: Backoff
    /// Says when a worker without room is tried again.
    var pause: Backoff
    /// Why the worker does not welcome the device, or has no room.
    var refusal: String?
    var hasBeenWelcomed = false
    var hasToldFinished = false
    /// Since when nothing is on its way although something should be.
    var starvingSince: Duration?
    /// The account of the present session, or else of the last one.
    var roomBytes = 0

    /// - Parameters:
    ///   - lengths: the tokens of each sample of the shard.
    ///   - seed: for the jitter of repetitions.
    init(_ settings: Settings, lengths: [Int], seed: UInt64 = .random(in: .min ... .max)) {
        self.settings = settings
        self.lengths = lengths
        window = PublishWindow(
            acknowledgementTimeout: settings.acknowledgementTimeout, maximumAttempts: settings.maximumAttempts)
        registration = Backoff(seed: seed &+ 2)
        hello = Backoff(first: .milliseconds(300), longest: .seconds(15), seed: seed)
        pause = Backoff(first: .milliseconds(500), longest: .seconds(10), seed: seed &+ 1)
    }

    /// Samples that the worker has.
    var settledSamples: Int { publication.settledSamples }
    /// Tokens of these samples.
    var settledTokens: Int { publication.settledTokens }
    /// Whether the worker has everything.
    var isSettled: Bool { hasBeenWelcomed && publication.isSettled }

    /// When `tick` next has something to do; nil when nothing is due.
    var nextDeadline: Duration? {
        let starved = starvingSince.map { $0 + settings.acknowledgementTimeout }
        return [window.nextDeadline, registration.due, hello.due, pause.due, starved].compactMap { $0 }.min()
    }

    /// What the device waits for; nil while it gets on.
    var waitsFor: DeviceEvent.Wait? {
        guard let assignment else { return .assignment }
        guard conversation == .welcome else { return .worker(id: assignment.worker, reason: refusal) }
        if let refusal { return .room(reason: refusal) }
        if isSettled { return .stop }
        return starvingSince.map { _ in .credit }
    }

    /// Whether something is ready to be sent and waits for credit alone.
    var lacksCredit: Bool { conversation == .welcome && pause.due == nil && publication.hasUnsent }

    /// Whether the device gets on, or waits for its worker alone: then it does not miss the coordinator.
    var isBusy: Bool {
        if publication.isComputing { return true }
        return switch waitsFor {
        case nil, .credit, .room: true
        case .assignment, .worker, .stop: false
        }
    }

    /// Takes in what has happened.
    ///
    /// - Parameter now: since any fixed moment.
    mutating func handle(_ event: Event, now: Duration) -> [Action] {
        guard !isDone else { return [] }
        uplink.advance(to: now, isMoving: window.isMoving)
        let actions = react(to: event, now: now)
        uplink.advance(to: now, isMoving: window.isMoving)
        return actions
    }

    private mutating func react(to event: Event, now: Duration) -> [Action] {
        switch event {
        case .coordinatorConnected: return register(now: now)
        case .assigned(let assignment): return assigned(assignment)
        case .workerConnected: return greet(isNewSession: true, now: now)
        case .workerDisconnected:
            disconnected()
            return []
        case .welcomed(let welcome): return welcomed(welcome, now: now)
        case .granted(let credit):
            guard conversation == .welcome else { return [] }
            window.granted(credit)
            return proceed(now: now)
        case .acknowledged(let ack): return acknowledged(ack, now: now)
        case .rejected(let reject): return rejected(reject, now: now)
        case .answered(let sentAt):
            window.heard(now: now)
            window.answered(heartbeatSentAt: sentAt, now: now)
            return []
        case .computed(let sequence, let shape):
            let isNeeded = publication.computed(sequence, shape)
            return (isNeeded ? [] : [.forget(sequence: sequence)]) + proceed(now: now)
        case .notTaken(let part):
            window.postponed(part, until: now + .milliseconds(100))
            return []
        case .stopped(let reason):
            isDone = true
            return [.leave(reason: reason)]
        case .abandoned(let silence):
            guard isSettled else { return fail(.abandoned(silence)) }
            isDone = true
            return [.leave(reason: "everything is with the worker. \(silence.problem)")]
        case .tick: return (registration.isDue(now: now) ? register(now: now) : []) + tick(now: now)
        }
    }

    private mutating func register(now: Duration) -> [Action] {
        registration.cancel()
        if assignment == nil { registration.plan(now: now) }
        return [.register(samples: lengths.count)]
    }

    /// The same worker with another cut or codec: groups that are not computed yet get the new one. Another worker: everything
    /// that is not settled there goes to it.
    private mutating func assigned(_ next: Body.Assignment) -> [Action] {
        let previous = assignment
        // A plan that was overtaken on its way is not one.
        guard next != previous, next.generation >= previous?.generation ?? 0 else { return [] }
        guard next.cut <= settings.maximumCut else {
            return fail(.device(.cutBeyondModel(cut: next.cut, blocks: settings.maximumCut)))
        }
        assignment = next
        registration.reset()
        if previous == nil {
            let groups = SampleOrder.publication(
                seed: next.seed, device: Int(next.number), lengths: lengths, epoch: Int(next.epoch),
                groupSize: min(settings.publishBatch, settings.limits.samples),
                maximumTokens: settings.limits.tokens)
            publication = Publication(groups, lengths: lengths)
        }
        let told = Action.tell(
            .assigned(cut: Int(next.cut), generation: next.generation, worker: next.worker))
        let isSameWorker =
            previous.map {
                ($0.worker, $0.workerEndpoint, $0.workerKey) == (next.worker, next.workerEndpoint, next.workerKey)
            } ?? false
        guard !isSameWorker else { return [told] }
        disconnected()
        return [told, .connect(next)]
    }

    /// Ends everything.
    mutating func fail(_ failure: DeviceFailure) -> [Action] {
        isDone = true
        return [.fail(failure)]
    }

    /// Ends everything because it is done.
    mutating func end() { isDone = true }
}

extension DeviceMachine.DeviceFailure {
    /// What is thrown for it.
    var error: any Error {
        switch self {
        case .device(let error): error
        case .publishing(let error): error
        case .abandoned(let error): error
        }
    }
}
