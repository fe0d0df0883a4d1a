import Datasets
import Diagnostics
import Queueing
import Wire

/// The thin loop around `WorkerMachine`: sockets, clock and compute jobs, all decisions left to the machine.
final class WorkerLoop {
    private let configuration: Worker.Configuration
    private let store: any ActivationStore
    private let compute: WorkerCompute
    private let check: ActivationCheck
    private let coordinator: ControlLink
    private let devices: Channel

    private var machine: WorkerMachine
    private var payloads: [Frame] = []
    private var totals: Body.WorkerFinished
    private var hasLeft = false

    init(
        _ configuration: Worker.Configuration, context: ZeroMQContext, width: Int, store: any ActivationStore,
        compute: WorkerCompute, coordinator: ControlLink
    ) throws {
        self.configuration = configuration
        self.coordinator = coordinator
        self.store = store
        self.compute = compute
        check = ActivationCheck(
            limits: WireLimits(), run: configuration.run, width: width, maximumCut: configuration.frozenBlocks,
            targetLimit: configuration.targetLimit, maximumLength: configuration.maximumTokens)
        machine = WorkerMachine(
            WorkerMachine.Settings(
                epochs: configuration.epochs, batch: configuration.batch, frozenBlocks: configuration.frozenBlocks,
                creditBytesPerDevice: configuration.creditBytesPerDevice, advanceLimit: compute.advanceLimit,
                startStep: configuration.startStep))
        totals = Body.WorkerFinished(
            steps: UInt64(configuration.startStep), epochs: 0, tokens: 0, samples: 0, seconds: 0, bytesUp: 0,
            bytesDown: 0)
        devices = try Channel(.router, context: context, run: configuration.run, sender: configuration.id)
    }

    func run() throws {
        let endpoint = try devices.socket.bind(configuration.deviceEndpoint)
        try coordinator.tell(
            .register(
                Body.Register(
                    role: .worker, samples: 0, threads: UInt32(compute.advanceLimit), endpoint: endpoint)))
        var poller = Poller()
        _ = poller.add(coordinator.link)
        let fromDevices = poller.add(devices.socket, for: [])
        _ = poller.add(fileDescriptor: compute.results.signal.fileDescriptor)
        while !hasLeft {
            try poller.wait(milliseconds: coordinator.untilHeartbeat.pollMilliseconds)
            while let order = try coordinator.order() { try follow(order) }
            // A device may have its part of the plan first: until the whole plan is here, its greeting waits.
            if machine.isPlanned {
                poller.setEvents(.readable, of: fromDevices)
                while let received = try devices.receive() { try takeMessage(received) }
            }
            for result in compute.results.drain() { try take(result) }
            try coordinator.keepAlive()
        }
    }

    private func follow(_ order: Body) throws {
        switch order {
        case .runPlan(let plan): try perform(machine.planned(plan))
        case .stop: try perform(machine.stopped())
        default: break
        }
    }

    private func takeMessage(_ received: Channel.Received) throws {
        switch received {
        case .message(let envelope, let payloads, _):
            self.payloads = payloads
            try perform(machine.received(envelope))
            self.payloads = []
        case .unreadable(let error, let peer):
            try perform(machine.unreadable(error, device: peer.map(\.description)))
        }
    }

    private func take(_ result: WorkerCompute.Result) throws {
        switch result {
        case .advanced(let samples, let duration):
            totals.seconds += duration.seconds
            try perform(machine.advanced(samples))
        case .stepped(let step, let epoch, let samples):
            totals.steps += 1
            totals.epochs = UInt32(epoch)
            totals.samples += UInt64(samples)
            totals.tokens += UInt64(step.tokens)
            totals.seconds += step.seconds
            try coordinator.tell(
                .stepReport(
                    Body.StepReport(
                        step: totals.steps, epoch: UInt32(epoch), loss: step.loss, accuracy: step.accuracy,
                        learningRate: step.learningRate, tokens: UInt64(step.tokens), samples: UInt64(samples),
                        seconds: step.seconds, queueDepth: UInt64(machine.queueDepth),
                        bytesUp: UInt64(devices.socket.bytesReceived))))
            try perform(machine.stepped())
        case .failed(let error): throw error
        }
    }

    private func perform(_ actions: [WorkerMachine.Action]) throws {
        for action in actions {
            switch action {
            case .reply(let device, let body): try devices.send(body, to: device)
            case .checkAndStore(let device, let number, let activations):
                try perform(checkAndStore(activations, device: device, number: number))
            case .advance(let samples, let blocks): compute.advance(samples, blocks: blocks)
            case .step(let epoch, let samples): compute.step(samples, epoch: epoch)
            case .finish:
                totals.bytesUp = UInt64(devices.socket.bytesReceived)
                totals.bytesDown = UInt64(devices.socket.bytesSent)
                try coordinator.tell(.workerFinished(totals))
                hasLeft = true
            }
        }
    }

    /// Nothing of a message is used before every check has passed, and nothing is acknowledged before it is stored.
    private func checkAndStore(
        _ activations: Body.Activations, device: String, number: Int
    ) throws -> [WorkerMachine.Action] {
        var chargedBytes = 0
        func refuse(_ error: WireError) -> [WorkerMachine.Action] {
            machine.refused(device: device, sequence: activations.sequence, error, chargedBytes: chargedBytes)
        }
        do {
            return try payloads.withBytes { payloads in
                let checked = try check.check(
                    activations, run: configuration.run, payloads: payloads,
                    owns: { machine.owns(device: device, sample: $0) })
                if let error = machine.charge(device, bytes: checked.byteCount) { throw error }
                chargedBytes = checked.byteCount
                try store.put(
                    checked.storedSamples(device: number), payload: payloads[0], payloadCodec: checked.codec)
                return machine.stored(checked, device: device, number: number)
            }
        } catch let error as WireError {
            return refuse(error)
        } catch let error as StoreError {
            if case .full = error { throw WorkerError.storeFull(error) }
            guard let answer = error.wireError else { throw error }
            return refuse(answer)
        }
    }
}

extension CheckedActivations {
    /// The message's samples as the store knows them.
    fileprivate func storedSamples(device: Int) -> [StoredSample] {
        samples.map { sample in
            StoredSample(
                id: SampleReference(device: device, index: Int(sample.id)).storeID,
                targets: Array(targets(of: sample)), rows: sample.rows.count, columns: columns, cut: cut)
        }
    }
}
