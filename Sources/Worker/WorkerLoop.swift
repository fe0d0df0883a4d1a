import Diagnostics
import Queueing
import Wire

/// The thin loop around `WorkerMachine`: sockets, clock, store and compute jobs, all decisions left to the machine.
final class WorkerLoop {
    let configuration: Worker.Configuration
    let context: ZeroMQContext
    let store: any ActivationStore
    let compute: WorkerCompute
    let check: ActivationCheck
    let coordinator: ControlLink
    let devices: Channel
    let pieces: HandoverPieces
    let observer: (WorkerEvent) throws -> Void
    let clock = RoleClock()

    var machine: WorkerMachine
    var payloads: [Frame] = []
    var totals: Body.WorkerFinished
    var figures = QueueFigures()
    var queueAge = QueueAge()
    /// Payload bytes of activations that were taken.
    var codecBytes: [PayloadCodec: Int] = [:]
    var outbox = Outbox()
    private var refusalNews = RefusalNews()
    var unforgotten: [(device: UInt32, sequence: UInt64)] = []
    var handover: HandoverPublisher?
    var follower: ReplicaFollower?
    var newestCheckpoint: WorkerTraining.Checkpoint?
    var outcome: WorkerOutcome?
    /// Whether anything but time has passed since the last look at the patience.
    var hasGotOn = false
    var trace: WorkerTrace?

    let checkpointStep: () -> Int
    private let endpoint: String
    private var recalled: [UInt32: WorkerMachine.Recalled]
    private var lastTick = Duration.zero

    /// Messages that are taken before what is stored is acknowledged: devices go on while the next ones are taken.
    private static let burst = 8

    /// Messages of a device that wait unread beside those in the network's buffers.
    private static let unreadMessages: Int32 = 4

    /// How often credits and figures are looked at.
    private static let tick = Duration.seconds(1)

    init(
        _ configuration: Worker.Configuration, context: ZeroMQContext, width: Int, store: any ActivationStore,
        compute: WorkerCompute, checkpointStep: @escaping () -> Int, coordinator: ControlLink,
        observer: @escaping (WorkerEvent) throws -> Void
    ) throws {
        self.configuration = configuration
        self.context = context
        self.coordinator = coordinator
        self.store = store
        self.compute = compute
        self.checkpointStep = checkpointStep
        self.observer = observer
        trace = configuration.tracer.map { WorkerTrace($0) }
        pieces = HandoverPieces(folder: configuration.handoverFolder)
        recalled = Self.recall(store)
        check = ActivationCheck(
            limits: WireLimits(), run: configuration.run, width: width, maximumCut: configuration.frozenBlocks,
            targetLimit: configuration.targetLimit, maximumLength: configuration.maximumTokens)
        machine = WorkerMachine(
            WorkerMachine.Settings(
                epochs: configuration.epochs, batch: configuration.batch, order: configuration.order,
                frozenBlocks: configuration.frozenBlocks,
                creditBytesPerDevice: configuration.creditBytesPerDevice, ingestBytes: configuration.ingestBytes,
                rowBytes: PayloadCodec.f32.bytesPerRow(columns: width),
                compressions: PayloadCompression.available.map(\.rawValue), advanceLimit: compute.advanceLimit,
                staysUntilStopped: configuration.staysUntilStopped, endsWhenFull: configuration.endsWhenFull))
        totals = Body.WorkerFinished(
            steps: 0, epochs: 0, tokens: 0, samples: 0, seconds: 0, bytesUp: 0, bytesDown: 0)
        devices = try Channel(
            .router, context: context, run: configuration.run, sender: configuration.id,
            receiveHighWaterMark: Self.unreadMessages, security: configuration.deviceSecurity)
        let bound = try devices.bind(configuration.deviceEndpoint)
        endpoint = configuration.advertisedEndpoint ?? bound
    }

    func run() throws -> WorkerOutcome {
        defer {
            handover?.stop()
            follower?.stop()
            configuration.pulse?.rest()
        }
        var poller = Poller()
        _ = poller.add(coordinator.link)
        let fromDevices = poller.add(devices.socket, for: [])
        _ = poller.add(fileDescriptor: compute.results.signal.fileDescriptor)
        while true {
            configuration.pulse?.beat()
            let due = min(coordinator.untilHeartbeat, lastTick + Self.tick - clock.now)
            try poller.wait(milliseconds: (outbox.isEmpty ? due : min(due, Outbox.pause)).pollMilliseconds)
            machine.roomBytes = store.capacityBytes - store.bytes
            while let event = try coordinator.event() { try follow(event) }
            while let order = try coordinator.order() { try follow(order) }
            // A device may have its part of the plan first: until the plan is here, its greeting waits.
            if machine.isPlanned {
                poller.setEvents(.readable, of: fromDevices)
                for _ in 0..<Self.burst {
                    guard let received = try devices.receive() else { break }
                    try takeMessage(received)
                }
            }
            for result in compute.results.drain() {
                hasGotOn = true
                try take(result)
            }
            trace?.looked(isWaiting: machine.lacksSamples, queueDepth: machine.queueDepth)
            try outbox.flush(now: clock.now, by: sendNow)
            try coordinator.keepAlive()
            try tick()
            if let outcome { return outcome }
            if let silence = coordinator.abandonment(isBusy: machine.isBusy || hasGotOn) { throw silence }
            hasGotOn = false
        }
    }

    private func follow(_ event: ControlLink.Event) throws {
        switch event {
        case .register:
            try coordinator.tell(.register(registration))
            try observer(.joined(endpoint: endpoint))
            figures.forgetTold()
            try perform(machine.registered())
        case .disconnected: try observer(.coordinatorAway(reason: "the connection is lost"))
        case .refused(let reason): try observer(.coordinatorAway(reason: reason))
        case .retrying: break
        }
    }

    private var registration: Body.Register {
        var key = ""
        if case .server(let pair, _, _) = configuration.deviceSecurity { key = pair.publicKey.z85 }
        let messages =
            machine.isPlanned ? machine.book.messageCount : recalled.values.reduce(0) { $0 + $1.messages.count }
        return Body.Register(
            role: .worker, samples: 0, threads: UInt32(compute.advanceLimit), endpoint: endpoint, endpointKey: key,
            step: UInt64(max(0, checkpointStep())), messages: UInt64(messages))
    }

    private func follow(_ order: Body) throws {
        switch order {
        case .runPlan(let plan):
            try perform(machine.planned(plan) { recalled.removeValue(forKey: $0) ?? WorkerMachine.Recalled() })
        case .stepRecorded(let step): try perform(machine.recorded(step: step))
        case .recordedSteps(let page): try perform(machine.recalled(page))
        case .drain(let drain): try perform(machine.drained(drain))
        case .stop: try perform(machine.stopped())
        default: break
        }
    }

    private func takeMessage(_ received: Channel.Received) throws {
        switch received {
        case .message(let envelope, let payloads, _):
            Failpoint.hit(.afterReceive)
            self.payloads = payloads
            if !payloads.isEmpty { hasGotOn = true }
            try perform(machine.received(envelope))
            self.payloads = []
        case .unreadable(let error, let peer):
            try perform(machine.unreadable(error, sender: nil))
            if let peer { try devices.answer(peer, .reject(Body.Reject(sequence: 0, error: error))) }
        }
    }

    private func tick() throws {
        guard clock.now - lastTick >= Self.tick else { return }
        lastTick = clock.now
        for message in unforgotten { forget(message.device, message.sequence) }
        unforgotten = []
        try perform(machine.ticked(now: clock.now))
        let refusals = try devices.refusals()
        for notice in refusalNews.notices(of: refusals, now: clock.now) { try observer(.refused(notice)) }
        try report(refusals)
    }

    /// What the store has from an earlier process, by device.
    private static func recall(_ store: any ActivationStore) -> [UInt32: WorkerMachine.Recalled] {
        var recalled: [UInt32: WorkerMachine.Recalled] = [:]
        for message in store.messages() {
            recalled[message.device, default: .init()].messages.append(
                MessageBook.Message(message, codec: store.codec))
        }
        for letter in store.deadLetters() { recalled[letter.device, default: .init()].dead.insert(letter.sequence) }
        for (device, counters) in store.counters() { recalled[device, default: .init()].counters = counters }
        for device in recalled.keys { recalled[device]?.settled = store.settledSequences(of: device) }
        return recalled
    }
}
