import Datasets
import Diagnostics
import Methods
import Queueing
import Tensors
import Wire

/// The thin loop around `DeviceMachine`: links, clock and compute jobs, all decisions left to the machine.
final class DeviceLoop {
    let configuration: DeviceConfiguration
    let coordinator: ControlLink
    let worker: Link
    let clock = RoleClock()
    var machine: DeviceMachine
    var report = DeviceReport()
    private let examples: [EncodedExample]
    private let pool: ComputePool
    private let job: ComputeJob
    private let stopSignal: WakeSignal
    private var probe: HeartbeatProbe
    private var waiting = WaitNotice()
    private var trace: DeviceTrace?
    /// A result that is held back, and until when: see `DevicePace`.
    private var slowed: (result: ComputeJob.Result, due: Duration)?
    private var messages: [UInt64: ActivationMessage] = [:]
    /// What the worker can expand, if it is wanted.
    private var compression = PayloadCompression.none
    private var hasLeft = false

    init(
        _ configuration: DeviceConfiguration, context: ZeroMQContext, examples: [EncodedExample],
        forward: FrozenForward, pool: ComputePool, coordinator: ControlLink, stopSignal: WakeSignal
    ) throws {
        self.configuration = configuration
        self.coordinator = coordinator
        self.examples = examples
        self.pool = pool
        self.stopSignal = stopSignal
        trace = configuration.tracer.map { DeviceTrace($0) }
        let limits = WireLimits()
        machine = DeviceMachine(
            DeviceMachine.Settings(
                publishBatch: max(1, configuration.publishBatch),
                partBytes: min(max(1, configuration.partBytes), limits.frameBytes),
                acknowledgementTimeout: configuration.acknowledgementTimeout,
                maximumAttempts: configuration.maximumAttempts,
                staysUntilStopped: configuration.staysUntilStopped, maximumCut: forward.maximumCut),
            lengths: examples.map(\.tokens.count))
        job = ComputeJob(results: try Mailbox(), forward: forward)
        probe = HeartbeatProbe(
            interval: configuration.heartbeatInterval, timeout: configuration.acknowledgementTimeout)
        // Credit bounds the bytes, the window the parts; this only has to be more than the window.
        worker = Link(
            context: context, run: configuration.run, sender: configuration.id, timing: configuration.timing,
            highWaterMark: 2048)
    }

    func run(observer: (DeviceEvent) -> Void) throws {
        var poller = Poller()
        _ = poller.add(coordinator.link)
        _ = poller.add(worker)
        _ = poller.add(fileDescriptor: job.results.signal.fileDescriptor)
        _ = poller.add(fileDescriptor: stopSignal.fileDescriptor)
        defer { configuration.pulse?.rest() }
        while !hasLeft {
            configuration.pulse?.beat()
            try poller.wait(milliseconds: untilDue().pollMilliseconds)
            if stopSignal.drain() { try handle(.stopped(reason: "the device was told to stop"), observer) }
            while let event = try coordinator.event() { try follow(event, observer) }
            while let order = try coordinator.order() { try follow(order, observer) }
            while let event = try worker.event() { try follow(event, observer) }
            while let received = try worker.receive() { try take(received, observer) }
            for result in job.results.drain() { try take(result, observer) }
            if let slowed, slowed.due <= clock.now { try finish(slowed.result, observer) }
            try handle(.tick, observer)
            if let silence = coordinator.abandonment(isBusy: machine.isBusy) {
                try handle(.abandoned(silence), observer)
            }
            trace?.looked(isWaiting: machine.lacksCredit, creditBytes: machine.window.creditBytes)
            guard !hasLeft else { break }
            try keepAlive()
            if let event = waiting.update(machine.waitsFor, now: clock.now) { observer(event) }
        }
    }

    private func untilDue() -> Duration {
        let dues = [
            machine.nextDeadline, worker.isConnected ? probe.due : nil, slowed?.due, waiting.due, report.due,
        ]
        let now = clock.now
        let soonest = dues.compactMap { $0 }.min().map { $0 - now }
        return [soonest, worker.untilDue, coordinator.untilHeartbeat].compactMap { $0 }.min() ?? .zero
    }

    private func keepAlive() throws {
        if worker.isConnected, probe.due <= clock.now {
            let now = clock.now
            if try worker.send(.heartbeat(time: now.nanoseconds)) { probe.sent(now: now) }
        }
        try coordinator.keepAlive()
    }

    private func follow(_ event: ControlLink.Event, _ observer: (DeviceEvent) -> Void) throws {
        switch event {
        case .register: try handle(.coordinatorConnected, observer)
        case .disconnected: observer(.reconnecting(to: .coordinator))
        case .refused(let reason): observer(.refused(by: .coordinator, reason: reason))
        case .retrying: break
        }
    }

    private func follow(_ order: Body, _ observer: (DeviceEvent) -> Void) throws {
        switch order {
        case .assignment(let assignment): try handle(.assigned(assignment), observer)
        case .stop(let stop): try handle(.stopped(reason: stop.reason), observer)
        default: break
        }
    }

    private func follow(_ event: Link.Event, _ observer: (DeviceEvent) -> Void) throws {
        switch event {
        case .connected:
            probe.restart()
            try handle(.workerConnected, observer)
        case .disconnected:
            observer(.reconnecting(to: .worker))
            try handle(.workerDisconnected, observer)
        case .refused(let reason): observer(.refused(by: .worker, reason: reason))
        case .retrying: break
        }
    }

    private func take(_ received: Channel.Received, _ observer: (DeviceEvent) -> Void) throws {
        // What cannot be read is not from this run's worker, and no answer would help a stranger.
        guard case .message(let envelope, _, _) = received else { return }
        switch envelope.body {
        case .welcome(let welcome):
            let isWanted = welcome.compressions.contains(configuration.compression.rawValue)
            compression = isWanted ? configuration.compression : .none
            try handle(.welcomed(welcome), observer)
        case .credit(let credit): try handle(.granted(credit), observer)
        case .ack(let ack):
            trace?.acknowledged(ack)
            try handle(.acknowledged(ack), observer)
            Failpoint.hit(.deviceAfterAck)
        case .reject(let reject): try handle(.rejected(reject), observer)
        case .heartbeat(let time): try worker.send(.heartbeatReply(time: time))
        case .heartbeatReply(let time):
            if let sent = probe.answered(time: time, now: clock.now) {
                try handle(.answered(heartbeatSentAt: sent), observer)
            }
        case .stop(let stop): try handle(.stopped(reason: stop.reason), observer)
        default: break
        }
    }

    private func take(
        _ result: Result<ComputeJob.Result, any Error>, _ observer: (DeviceEvent) -> Void
    ) throws {
        let result = try result.get()
        Failpoint.hit(.deviceAfterCompute)
        let rest = result.duration(at: configuration.pace) - (ContinuousClock.now - result.began)
        if rest > .zero {
            slowed = (result, clock.now + rest)
        } else {
            try finish(result, observer)
        }
    }

    private func finish(_ result: ComputeJob.Result, _ observer: (DeviceEvent) -> Void) throws {
        slowed = nil
        trace?.computed(result, configuration.pace)
        report.computed(blockTokens: result.blockTokens, duration: result.duration(at: configuration.pace))
        messages[result.group.sequence] = result.message
        try handle(.computed(sequence: result.group.sequence, result.message.shape), observer)
    }

    private func handle(_ event: DeviceMachine.Event, _ observer: (DeviceEvent) -> Void) throws {
        guard !hasLeft else { return }
        let actions = machine.handle(event, now: clock.now)
        hasLeft = machine.isDone
        // Nobody listens to a device that has said goodbye.
        if hasLeft { try tellProgress(isLast: true, observer) }
        var refused: [PublishWindow.Part] = []
        for action in actions {
            if case .publish(let sending, let parts) = action {
                if try !publish(sending, parts: parts) { refused.append(sending.part) }
            } else {
                try perform(action, observer)
            }
        }
        for part in refused { _ = machine.handle(.notTaken(part), now: clock.now) }
        if !hasLeft { try tellProgress(isLast: false, observer) }
    }

    private func tellProgress(isLast: Bool, _ observer: (DeviceEvent) -> Void) throws {
        guard var progress = report.next(machine, worker, probe.roundTrip, isLast: isLast, now: clock.now) else {
            return
        }
        progress.peakMemoryBytes = UInt64(clamping: configuration.peakMemoryBytes?() ?? 0)
        try coordinator.tell(.deviceProgress(progress))
        if report.hasGrown { observer(.published(samples: machine.settledSamples, of: examples.count)) }
    }

    private func publish(_ sending: PublishWindow.Sending, parts: UInt32) throws -> Bool {
        let part = sending.part
        guard let message = messages[part.sequence],
            let (body, payload) = message.sending(
                sequence: part.sequence, part: part.index, of: parts, compression: compression)
        else { return false }
        let isTaken = try worker.send(body, attempt: sending.attempt, payload: payload)
        Failpoint.hit(.deviceAfterSend)
        if isTaken { trace?.sent(sending) }
        return isTaken
    }

    private func perform(_ action: DeviceMachine.Action, _ observer: (DeviceEvent) -> Void) throws {
        switch action {
        case .register(let samples):
            try coordinator.tell(
                .register(
                    Body.Register(
                        role: .device, samples: UInt64(samples), threads: UInt32(clamping: pool.threads),
                        memoryBytes: configuration.memoryBytes, codecs: PayloadCodec.allCases.map(\.rawValue),
                        columns: UInt32(clamping: job.forward.width))))
            report.mustRepeat = true
        case .connect(let assignment):
            probe.restart()
            try worker.connect(
                configuration.workerEndpoint ?? assignment.workerEndpoint,
                security: try configuration.security.reaching(workerKey: assignment.workerKey))
        case .hello(let samples, let isNewSession):
            if !isNewSession { worker.renewSession() }
            try worker.send(.hello(Body.Hello(samples: UInt64(samples))))
        case .compute(let group, let cut, let codec):
            job.start(
                group, examples: group.samples.map { examples[$0] }, cut: cut, codec: codec ?? configuration.codec,
                on: pool)
        case .publish: break
        case .forget(let sequence): messages[sequence] = nil
        case .finish(let messages, let samples):
            try worker.send(.finished(Body.Finished(messages: UInt64(messages), samples: UInt64(samples))))
        case .leave(let reason):
            try worker.send(.goodbye(reason: reason))
            try coordinator.tell(.goodbye(reason: reason))
            observer(.stopped(reason: reason))
        case .end: observer(.stopped(reason: "everything is published"))
        case .fail(let failure): throw failure.error
        case .tell(let event): observer(event)
        }
    }
}
