import Datasets
import Diagnostics
import Methods
import Queueing
import Tensors
import Wire

/// The thin loop around `DeviceMachine`: sockets, clock and compute jobs, all decisions left to the machine.
final class DeviceLoop {
    private enum Computed: Sendable {
        case message(ActivationMessage, duration: Duration)
        case failed(any Error)
    }

    private let configuration: Device.Configuration
    private let examples: [EncodedExample]
    private let forward: FrozenForward
    private let pool: ComputePool
    private let clock = RoleClock()
    private let computed: Mailbox<Computed>
    private let coordinator: ControlLink
    private let worker: Channel

    private var machine: DeviceMachine
    private var ready: ActivationMessage?
    private var onTheirWay: [UInt64: ActivationMessage] = [:]
    private var publishedTokens = 0
    private var computeTime = Duration.zero
    private var hasLeft = false

    init(
        _ configuration: Device.Configuration, context: ZeroMQContext, examples: [EncodedExample],
        forward: FrozenForward, pool: ComputePool, coordinator: ControlLink
    ) throws {
        self.configuration = configuration
        self.coordinator = coordinator
        self.examples = examples
        self.forward = forward
        self.pool = pool
        machine = DeviceMachine(
            samples: examples.count, publishBatch: configuration.publishBatch,
            acknowledgementTimeout: configuration.acknowledgementTimeout,
            maximumAttempts: configuration.maximumAttempts)
        computed = try Mailbox()
        worker = try Channel(.dealer, context: context, run: configuration.run, sender: configuration.id)
    }

    func run() throws {
        try coordinator.tell(
            .register(Body.Register(role: .device, samples: UInt64(examples.count), threads: 1, endpoint: "")))
        var poller = Poller()
        _ = poller.add(coordinator.link)
        _ = poller.add(worker.socket)
        _ = poller.add(fileDescriptor: computed.signal.fileDescriptor)
        while !hasLeft {
            let untilDeadline = machine.nextDeadline.map { $0 - clock.now }
            let wait = min(coordinator.untilHeartbeat, untilDeadline ?? coordinator.untilHeartbeat)
            try poller.wait(milliseconds: wait.pollMilliseconds)
            while let order = try coordinator.order() { try follow(order) }
            while let received = try worker.receive() { try take(received) }
            for result in computed.drain() { try take(result) }
            try handle(.tick)
            try coordinator.keepAlive()
        }
    }

    private func follow(_ order: Body) throws {
        switch order {
        case .assignment(let assignment): try handle(.assigned(assignment))
        case .stop: try handle(.stopped)
        default: break
        }
    }

    private func take(_ received: Channel.Received) throws {
        // What cannot be read is not from this run's worker, and no answer would help a stranger.
        guard case .message(let envelope, _, _) = received else { return }
        switch envelope.body {
        case .credit(let credit): try handle(.granted(credit))
        case .ack(let ack): try handle(.acknowledged(ack))
        case .reject(let reject): try handle(.rejected(reject))
        case .stop: try handle(.stopped)
        default: break
        }
    }

    private func take(_ result: Computed) throws {
        switch result {
        case .message(let message, let duration):
            ready = message
            computeTime += duration
            publishedTokens += message.tokens
            try handle(.computed(bytes: message.byteCount))
        case .failed(let error): throw error
        }
    }

    private func handle(_ event: DeviceMachine.Event) throws {
        for action in machine.handle(event, now: clock.now) { try perform(action) }
    }

    private func perform(_ action: DeviceMachine.Action) throws {
        switch action {
        case .join(let endpoint, let samples):
            try worker.socket.connect(endpoint)
            try worker.send(.hello(Body.Hello(samples: UInt64(samples))))
        case .compute(let samples, let cut): compute(samples, cut: cut)
        case .publish(let sending):
            if sending.attempt == 1 { onTheirWay[sending.sequence] = ready.take() }
            guard let message = onTheirWay[sending.sequence] else { break }
            // What ZeroMQ has no room for is sent again like any message that is not acknowledged.
            try worker.send(
                message.body(sequence: sending.sequence), attempt: sending.attempt, payload: message.frame())
            try coordinator.tell(.deviceProgress(progress(finished: false)))
        case .forget(let sequence): onTheirWay[sequence] = nil
        case .finish(let messages, let samples):
            try worker.send(.finished(Body.Finished(messages: messages, samples: UInt64(samples))))
            try coordinator.tell(.deviceProgress(progress(finished: true)))
            hasLeft = true
        case .leave:
            try coordinator.tell(.deviceProgress(progress(finished: false)))
            hasLeft = true
        case .fail(let failure): throw failure.error
        }
    }

    private func compute(_ samples: [Int], cut: Int) {
        let group = samples.map { examples[$0] }
        pool.submit { [forward, computed, codec = configuration.codec] in
            let start = ContinuousClock.now
            do {
                let activations = try forward.activations(of: group.map(\.tokens), cut: cut)
                let message = ActivationMessage(
                    samples: samples, examples: group, activations: activations, columns: forward.width, cut: cut,
                    codec: codec)
                computed.post(.message(message, duration: ContinuousClock.now - start))
            } catch {
                computed.post(.failed(error))
            }
        }
    }

    private func progress(finished: Bool) -> Body.DeviceProgress {
        Body.DeviceProgress(
            publishedSamples: UInt64(machine.sentSamples), tokens: UInt64(publishedTokens),
            computeNanoseconds: computeTime.nanoseconds, bytesUp: UInt64(worker.socket.bytesSent),
            bytesDown: UInt64(worker.socket.bytesReceived), finished: finished)
    }
}
