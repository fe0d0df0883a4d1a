import Diagnostics
import Foundation
import Methods
import Queueing
import Wire

/// The conversation of a replica, or a later stage, with its leader, on a thread of its own: takes parts of steps, and sends
/// what they came to.
///
/// Whatever goes wrong, it introduces itself again, and the leader sends everything anew with its next step.
final class ReplicaFollower: Sendable {
    /// What the worker is told.
    enum Event: Sendable {
        /// So many micro-batches of a step of the leader were computed.
        case computed(step: Int, microBatches: Int)
        /// The leader's step was taken here too.
        case followed(step: Int)
        /// So many messages of devices are with the leader, which are all that were forwarded.
        case caughtUp(messages: Int)
        /// A message cannot be read any more.
        case damaged(device: UInt32, sequence: UInt64, problem: String)
        case failed(any Error)
    }

    private let messages: Mailbox<StoredMessage>
    private let thread: LoopThread

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - steps: runs something with what trains, one after another, on the thread of the steps.
    ///   - tell: called on that thread or this one.
    /// - Throws: `TransportError`.
    init(
        _ leader: Body.WorkerPeer, security: SocketSecurity, link: @escaping @Sendable () -> Link, intake: StepIntake,
        store: any ActivationStore,
        steps: @escaping @Sendable (@escaping @Sendable (Trainer) throws -> Void) -> Void,
        tell: @escaping @Sendable (Event) -> Void
    ) throws(TransportError) {
        let messages = try Mailbox<StoredMessage>()
        let outbox = try Mailbox<ReplicaConversation.Answer>()
        thread = try LoopThread(
            "replica",
            loop: { thread in
                var conversation = ReplicaConversation(
                    link: link(), intake: intake, messages: messages, store: store, outbox: outbox, steps: steps,
                    tell: tell)
                try conversation.run(leader.endpoint, security, on: thread)
            }, onError: { tell(.failed($0)) })
        self.messages = messages
    }

    /// Sends a device's message on to the leader: it has passed all frozen blocks. From any thread.
    func forward(_ message: StoredMessage) { messages.post(message) }

    /// Returns when the thread has ended. To be called once.
    func stop() { thread.stop() }
}

/// The thread's work: a link, and what comes and goes over it.
private struct ReplicaConversation {
    /// What work came to.
    enum Answer: Sendable {
        case part(round: Int, step: Int, SharedPart, seconds: Double)
        case stage(round: Int, StageOrder, FollowedStage.News)
        /// What the leader says does not fit to what is here.
        case outOfStep(round: Int)
    }

    private let link: Link
    private var intake: StepIntake
    private var forwarding: Forwarding
    private let messages: Mailbox<StoredMessage>
    private var toldComplete: Int?
    private let outbox: Mailbox<Answer>
    private let steps: @Sendable (@escaping @Sendable (Trainer) throws -> Void) -> Void
    private let tell: @Sendable (ReplicaFollower.Event) -> Void
    private let clock = RoleClock()
    /// Introductions so far: what belongs to an earlier one is dropped.
    private var round = 0
    private var isToIntroduce = false
    private var lastIntroduced = Duration.zero
    private var lastHeard = Duration.zero
    private var lastSaid = Duration.zero
    private var unsent: [(body: Body, payload: Frame?)] = []
    /// Of the stage that was walked last.
    private var stage: FollowedStage?

    private static let heartbeatInterval = Duration.seconds(1)
    /// Without an answer for so long, another introduction is due.
    private static let answerLimit = Duration.seconds(5)
    /// Between introductions: a leader that refuses them may do so for long.
    private static let introductionPause = Duration.milliseconds(200)

    init(
        link: Link, intake: StepIntake, messages: Mailbox<StoredMessage>, store: any ActivationStore,
        outbox: Mailbox<Answer>,
        steps: @escaping @Sendable (@escaping @Sendable (Trainer) throws -> Void) -> Void,
        tell: @escaping @Sendable (ReplicaFollower.Event) -> Void
    ) {
        self.link = link
        self.intake = intake
        self.messages = messages
        forwarding = Forwarding(store)
        self.outbox = outbox
        self.steps = steps
        self.tell = tell
    }

    mutating func run(_ endpoint: String, _ security: SocketSecurity, on thread: LoopThread) throws {
        try link.connect(endpoint, security: security)
        defer {
            link.disconnect()
            stage?.giveUp()
        }
        var poller = Poller()
        _ = poller.add(link)
        _ = poller.add(fileDescriptor: thread.wake.fileDescriptor)
        _ = poller.add(fileDescriptor: outbox.signal.fileDescriptor)
        _ = poller.add(fileDescriptor: messages.signal.fileDescriptor)
        while !thread.isStopped {
            let pause = unsent.isEmpty ? Duration.milliseconds(200) : Outbox.pause
            try poller.wait(milliseconds: min(pause, link.untilDue ?? pause).pollMilliseconds)
            thread.wake.drain()
            while let event = try link.event() { try follow(event) }
            while let received = try link.receive() { try take(received) }
            for answer in outbox.drain() { try take(answer) }
            for message in messages.drain() { forwarding.add(message) }
            try send()
            try forward()
            try keepAlive()
        }
    }

    private mutating func follow(_ event: Link.Event) throws {
        switch event {
        case .connected: try introduce()
        case .disconnected: forwarding.disconnected()
        case .refused, .retrying: break
        }
    }

    private mutating func introduce() throws {
        round += 1
        intake.reset()
        stage?.giveUp()
        forwarding.disconnected()
        unsent = []
        isToIntroduce = false
        (lastIntroduced, lastHeard, lastSaid) = (clock.now, clock.now, clock.now)
        try link.send(.hello(Body.Hello(samples: UInt64(forwarding.sampleCount))))
    }

    /// What is known here is not what the leader believes: another introduction is due.
    private mutating func loseStep() {
        isToIntroduce = true
        unsent = []
        forwarding.disconnected()
    }

    private mutating func keepAlive() throws {
        guard link.isConnected else { return }
        if isToIntroduce || clock.now - lastHeard >= Self.answerLimit || forwarding.isStalled(now: clock.now) {
            guard clock.now - lastIntroduced >= Self.introductionPause else { return }
            link.renewSession()
            return try introduce()
        }
        guard clock.now - lastSaid >= Self.heartbeatInterval else { return }
        lastSaid = clock.now
        try link.send(.heartbeat(time: UInt64(clock.now / .nanoseconds(1))))
    }

    private mutating func take(_ received: Channel.Received) throws {
        guard case .message(let envelope, let payloads, _) = received else { return }
        lastHeard = clock.now
        // What follows in this session would not fit together.
        guard !isToIntroduce else { return }
        if case .reject(let reject) = envelope.body, reject.sequence == 0 { return loseStep() }
        // A message that is refused again and again gets refused to its device too, which says so.
        guard forwarding.take(envelope.body, now: clock.now) else { return loseStep() }
        let work: StepIntake.Work?
        do throws(WireError) {
            work = try payloads.withBytes { payloads throws(WireError) in
                try intake.take(envelope.body, run: envelope.run, payloads)
            }
        } catch {
            return loseStep()
        }
        if let work { begin(work) }
    }

    private mutating func begin(_ work: StepIntake.Work) {
        if case .stream(let tensor) = work {
            stage?.receive(tensor)
            return
        }
        // Whatever comes next, the leader does not wait for the stage any more.
        stage?.giveUp()
        stage = nil
        let round = round, outbox = outbox, tell = tell
        if case .stage(let order) = work {
            stage = FollowedStage(order, width: intake.width, steps: steps) { news in
                if case .ended(.some, _) = news {
                    tell(.computed(step: order.step, microBatches: order.microBatches.count))
                }
                outbox.post(.stage(round: round, order, news))
            }
            return
        }
        steps { trainer in
            switch work {
            case .stage, .stream: break
            case .state(let step, let values): trainer.adopt(values, step: step)
            case .part(let part):
                guard trainer.step == part.step - 1, trainer.digest == part.digest else {
                    return outbox.post(.outOfStep(round: round))
                }
                let start = ContinuousClock.now
                let result = try trainer.part(
                    of: part.microBatches, numbers: part.numbers, firstSequences: part.firstSequences,
                    sums: part.sums, lossScale: part.lossScale)
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                tell(.computed(step: part.step, microBatches: part.numbers.count))
                outbox.post(.part(round: round, step: part.step, result, seconds: seconds))
            case .gradient(let step, let values):
                guard trainer.step == step - 1 else { return outbox.post(.outOfStep(round: round)) }
                try trainer.follow(values)
                tell(.followed(step: step))
            }
        }
    }

    private mutating func take(_ answer: Answer) throws {
        switch answer {
        case .outOfStep(let asked):
            if asked == round { loseStep() }
        case .part(let asked, let step, let part, let seconds):
            guard asked == round, !isToIntroduce else { return }
            for (number, values) in part.sums {
                unsent += TensorPieces.cut(values, kind: .sum, step: step, index: number).map { ($0.body, $0.payload) }
            }
            let body = Body.StepPart(
                step: UInt64(step), lossSums: part.results.map(\.result.lossSum),
                correct: part.results.map { UInt64($0.result.correct) }, seconds: seconds)
            unsent.append((.stepPart(body), nil))
        case .stage(let asked, let order, let news):
            guard asked == round, !isToIntroduce else { return }
            guard let messages = StageMessages.messages(news, order) else { return loseStep() }
            unsent += messages
        }
    }

    private mutating func send() throws {
        while let next = unsent.first, try link.send(next.body, payload: next.payload) {
            unsent.removeFirst()
            lastSaid = clock.now
        }
    }
}

extension ReplicaConversation {
    /// Parts of steps go first; messages fill the time between.
    fileprivate mutating func forward() throws {
        let now = clock.now
        while unsent.isEmpty, let next = try forwarding.next(now: now) {
            switch next {
            case .message(let body, let attempt, let payload):
                try link.send(body, attempt: attempt, payload: Frame(payload))
                lastSaid = now
            case .damaged(let device, let sequence, let problem):
                tell(.damaged(device: device, sequence: sequence, problem: problem))
            }
        }
        guard let complete = forwarding.complete, complete != toldComplete else { return }
        toldComplete = complete
        tell(.caughtUp(messages: complete))
    }
}
