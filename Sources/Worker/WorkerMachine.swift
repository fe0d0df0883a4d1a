import Datasets
import Queueing
import Wire

/// What a worker does next, as a pure function of what has happened: no socket, no thread, no arithmetic.
///
/// It joins the ingress (each message once), the credit ledger (bytes on their way) and the work schedule (what to
/// compute when).
struct WorkerMachine {
    /// What a run is to the worker.
    struct Settings: Sendable {
        var epochs: Int
        var batch: Int
        var frozenBlocks: Int
        var creditBytesPerDevice: Int
        /// Passes over frozen blocks that run at the same time.
        var advanceLimit: Int
        /// Steps that the run has already taken.
        var startStep = 0
    }

    /// Something to do.
    enum Action: Equatable {
        /// Answer a device.
        case reply(device: String, Body)
        /// Check the message in hand and store it, then call `stored` or `refused`.
        case checkAndStore(device: String, number: Int, Body.Activations)
        /// Run frozen blocks over these samples' activations, then call `advanced`.
        case advance(samples: [SampleReference], blocks: Range<Int>)
        /// Train on these samples, then call `stepped`.
        case step(epoch: Int, samples: [SampleReference])
        /// Every step has been taken, or those under way after a stop.
        case finish
    }

    private let settings: Settings
    private var ingress = Ingress()
    private var ledger: CreditLedger
    private var devices: [String: (number: Int, samples: Int)] = [:]
    private var schedule: WorkSchedule?
    private var isStopping = false
    private var isStepping = false
    private var isFinished = false

    init(_ settings: Settings) {
        self.settings = settings
        ledger = CreditLedger(limitBytes: 0)
    }

    /// Whether the coordinator has said who takes part.
    var isPlanned: Bool { schedule != nil }

    /// Samples that have arrived and that no step has used yet in this epoch.
    var queueDepth: Int { schedule?.queueDepth ?? 0 }

    /// Totals of messages.
    var counts: Ingress.Counts { ingress.counts }

    /// The coordinator said which devices take part.
    mutating func planned(_ plan: Body.RunPlan) -> [Action] {
        // A repeated plan changes nothing: the worker goes on where it is.
        guard schedule == nil else { return [] }
        ledger = CreditLedger(limitBytes: settings.creditBytesPerDevice * plan.devices.count)
        for (number, device) in plan.devices.enumerated() {
            devices[device.device] = (number, Int(device.samples))
            ingress.expect(device.device)
        }
        schedule = WorkSchedule(
            seed: plan.seed, counts: plan.devices.map { Int($0.samples) }, epochs: settings.epochs,
            batch: settings.batch, frozenBlocks: settings.frozenBlocks, advanceLimit: settings.advanceLimit,
            startStep: settings.startStep)
        return proceed()
    }

    /// A device sent a message whose header could be read.
    mutating func received(_ envelope: Envelope) -> [Action] {
        let device = envelope.sender
        guard let known = devices[device] else {
            return unreadable(.unknownSender(device), device: device)
        }
        switch envelope.body {
        case .hello:
            let bytes = ledger.grant(settings.creditBytesPerDevice - ledger.grantedBytes(to: device), to: device)
            return [.reply(device: device, .credit(Body.Credit(bytes: UInt64(bytes))))]
        case .activations(let activations):
            let decision = ingress.arrived(
                from: device, sequence: activations.sequence, attempt: envelope.attempt)
            switch decision {
            case .store: return [.checkAndStore(device: device, number: known.number, activations)]
            case .acknowledgeAgain:
                // As in the first acknowledgement: if that one was lost, its credit comes back with this one.
                let bytes = PayloadCodec(rawValue: activations.codec)?
                    .byteCount(rows: Int(activations.rows), columns: Int(activations.columns))
                let ack = Body.Ack(sequence: activations.sequence, creditBytes: UInt64(bytes ?? 0))
                return [.reply(device: device, .ack(ack))]
            case .wait: return []
            case .reject(let error): return [reject(device, activations.sequence, error)]
            }
        case .finished, .heartbeat: return []
        default: return unreadable(.unexpectedMessage(envelope.body.name), device: device)
        }
    }

    /// Something arrived that is no message of this run.
    mutating func unreadable(_ error: WireError, device: String?) -> [Action] {
        ingress.unreadable(error)
        return device.map { [reject($0, 0, error)] } ?? []
    }

    /// Whether a sample id belongs to a device.
    func owns(device: String, sample: UInt64) -> Bool {
        devices[device].map { sample < UInt64($0.samples) } ?? false
    }

    /// Charges a message that passed its checks; nil when there is credit for it.
    mutating func charge(_ device: String, bytes: Int) -> WireError? {
        guard case .reject(let error) = ledger.received(bytes, from: device) else { return nil }
        return error
    }

    /// A message is in the store, all its samples.
    mutating func stored(_ activations: CheckedActivations, device: String, number: Int) -> [Action] {
        ingress.stored(from: device, sequence: activations.sequence)
        let credit = ledger.released(activations.byteCount, from: device)
        let samples = activations.samples.map { SampleReference(device: number, index: Int($0.id)) }
        schedule?.arrived(samples, cut: activations.cut)
        let ack = Body.Ack(sequence: activations.sequence, creditBytes: UInt64(credit))
        return [.reply(device: device, .ack(ack))] + proceed()
    }

    /// A message failed a check, or the store would not have it.
    ///
    /// - Parameter chargedBytes: what `charge` took for it.
    mutating func refused(device: String, sequence: UInt64, _ error: WireError, chargedBytes: Int) -> [Action] {
        ingress.rejected(from: device, sequence: sequence, error: error)
        ledger.refunded(chargedBytes, from: device)
        return [reject(device, sequence, error)]
    }

    /// The missing blocks of these samples have been run.
    mutating func advanced(_ samples: [SampleReference]) -> [Action] {
        schedule?.advanced(samples)
        return proceed()
    }

    /// The step under way has ended.
    mutating func stepped() -> [Action] {
        isStepping = false
        schedule?.stepped()
        return proceed()
    }

    /// Somebody wants the worker to end after the step under way.
    mutating func stopped() -> [Action] {
        isStopping = true
        return proceed()
    }

    private mutating func proceed() -> [Action] {
        guard !isFinished else { return [] }
        if isStopping || schedule?.isFinished == true {
            guard !isStepping else { return [] }
            isFinished = true
            return [.finish]
        }
        var actions: [Action] = []
        while let work = schedule?.next() {
            switch work {
            case .step(let epoch, let samples):
                isStepping = true
                actions.append(.step(epoch: epoch, samples: samples))
            case .advance(let samples, let cut):
                actions.append(.advance(samples: samples, blocks: cut..<settings.frozenBlocks))
            }
        }
        return actions
    }

    private func reject(_ device: String, _ sequence: UInt64, _ error: WireError) -> Action {
        .reply(device: device, .reject(Body.Reject(sequence: sequence, error: error)))
    }
}
