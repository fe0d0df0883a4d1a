import Datasets
import Queueing
import Testing
import Wire

@testable import Worker

/// A worker machine with everything around it played by hand: no socket, no thread, no arithmetic.
///
/// It checks as the worker's loop does, stores in memory when it is told to, and records an issue when the machine
/// breaks a rule.
struct WorkerBench {
    static let width = 2
    static let bytesPerSample = width * 4

    var machine: WorkerMachine
    let store: MemoryActivationStore
    /// Whether what is to be stored is stored at once.
    var storesAtOnce = true
    /// Whether what trains is ready at once.
    var preparesAtOnce = true
    var now = Duration.zero
    private(set) var replies: [(device: String, session: UInt64, body: Body)] = []
    private(set) var told: [Body] = []
    private(set) var events: [WorkerEvent] = []
    /// What was to be done with replicas, or as one.
    private(set) var replicating: [WorkerMachine.Action] = []
    private(set) var steps: [[SampleReference]] = []
    private(set) var isStepping = false
    private(set) var advancing: [[SampleReference]] = []
    private(set) var writes: [(part: MessagePart, change: StoreChange)] = []
    private(set) var enrolled: [Body.RunPlan] = []
    private(set) var counts: [Int]?
    private(set) var checkpoints = 0
    private(set) var isAdopting = false
    private(set) var forgottenPieces = 0
    private(set) var handover: Body.Drain?
    private(set) var failure: StoreError?
    private(set) var outcome: WorkerOutcome?
    private(set) var sessions: [String: UInt64] = [:]
    private(set) var deadLetters: [MessagePart] = []
    private let startStep: Int
    /// What the checkpoint says nobody may have heard of.
    private let unrecorded: [Body.StepReport]
    private let used: [UInt64]
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: width, maximumCut: 4, targetLimit: 2, maximumLength: 8)

    init(
        epochs: Int = 2, batch: Int = 4, creditBytesPerDevice: Int = 1000, advanceLimit: Int = 2, startStep: Int = 0,
        unrecorded: [Body.StepReport] = [], order: TrainingOrder = .deterministic, used: [UInt64] = [],
        staysUntilStopped: Bool = false, endsWhenFull: Bool = true, store: MemoryActivationStore? = nil
    ) {
        self.startStep = startStep
        self.unrecorded = unrecorded
        self.used = used
        self.store = store ?? MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        machine = WorkerMachine(
            WorkerMachine.Settings(
                epochs: epochs, batch: batch, order: order, frozenBlocks: 4,
                creditBytesPerDevice: creditBytesPerDevice, rowBytes: Self.bytesPerSample, advanceLimit: advanceLimit,
                staysUntilStopped: staysUntilStopped, endsWhenFull: endsWhenFull))
    }

    static let plan = plan(10, 6)

    static func plan(
        _ a: UInt64, _ b: UInt64, generation: UInt64 = 1, predecessor: String = ""
    ) -> Body.RunPlan {
        Body.RunPlan(
            devices: [.init(device: "a", samples: a, cut: 4), .init(device: "b", samples: b, cut: 2)], seed: 7,
            generation: generation, predecessor: predecessor)
    }

    /// A message of one token per sample, or a part of it; `change` may make it lie.
    static func activations(
        _ sequence: UInt64, _ ids: [UInt64], cut: UInt32 = 4, part: UInt32 = 0, parts: UInt32 = 1,
        origin: UInt32 = 0, change: (inout Body.Activations) -> Void = { _ in }
    ) -> Body.Activations {
        let rows = Body.rows(ofPart: part, of: parts, rows: ids.count) ?? 0..<0
        var activations = Body.Activations(
            sequence: sequence, sampleIDs: ids, lengths: ids.map { _ in 1 }, targetLengths: ids.map { _ in 1 },
            targets: ids.map { UInt32($0 % 2) }, cut: cut, codec: PayloadCodec.f32.rawValue, rows: UInt32(ids.count),
            columns: UInt32(width),
            checksum: payload(rows.count).withUnsafeBytes { payloadChecksum($0) }, part: part, parts: parts,
            origin: origin)
        change(&activations)
        return activations
    }

    static func payload(_ samples: Int) -> [UInt8] { Array(repeating: 0, count: samples * bytesPerSample) }

    var isFinished: Bool { outcome != nil }
    var stored: Set<SampleReference> { Set(store.samples().map { SampleReference(storeID: $0.id) }) }

    mutating func plan(_ plan: Body.RunPlan = plan) {
        let store = store
        take(
            machine.planned(plan) { device in
                WorkerMachine.Recalled(
                    settled: store.settledSequences(of: device),
                    messages: store.messages().filter { $0.device == device }.map { .init($0, codec: store.codec) })
            })
    }

    mutating func stop() { take(machine.stopped()) }
    mutating func ask() { take(machine.asked()) }
    mutating func drain(_ order: Body.Drain = Body.Drain()) { take(machine.drained(order)) }
    mutating func record(step: UInt64) { take(machine.recorded(step: step)) }
    /// The coordinator answers what steps are recorded.
    mutating func recall(_ body: Body) throws {
        guard case .recordedSteps(let page) = body else { return }
        take(try machine.recalled(page))
    }

    mutating func register() { take(machine.registered()) }
    mutating func endAdoption(step: Int) {
        isAdopting = false
        take(machine.adopted(step: step))
    }

    mutating func tick(by time: Duration = .seconds(1)) {
        now += time
        machine.roomBytes = store.capacityBytes - store.bytes
        take(machine.ticked(now: now))
    }

    /// A device begins a session.
    @discardableResult
    mutating func greet(_ device: String) -> [Body] {
        sessions[device, default: 0] += 1
        return send(device, .hello(.init(samples: 1)))
    }

    /// A device sends something in its session, or in another.
    ///
    /// - Returns: what it was answered at once.
    @discardableResult
    mutating func send(_ device: String, _ body: Body, attempt: UInt32 = 1, session: UInt64? = nil) -> [Body] {
        let before = replies.count
        machine.roomBytes = store.capacityBytes - store.bytes
        let session = session ?? sessions[device] ?? 0
        take(
            machine.received(
                Envelope(run: "run", sender: device, attempt: attempt, session: session, body: body)))
        return replies[before...].map(\.body)
    }

    mutating func endStep() {
        guard isStepping else { return }
        isStepping = false
        let step = UInt64(startStep + steps.count)
        take(machine.stepped(Self.report(step)))
    }

    static func report(_ step: UInt64) -> Body.StepReport {
        Body.StepReport(
            step: step, epoch: 1, loss: 0, accuracy: 0, learningRate: 0, tokens: 0, samples: 0, seconds: 0,
            queueDepth: 0, bytesUp: 0)
    }

    /// What trains is ready.
    mutating func endPreparation() { take(machine.began(step: startStep, unrecorded: unrecorded, used: used)) }

    /// Another worker's training is to be gone on with, and what was made ready is thrown away.
    mutating func beginsAgain() { counts = nil }

    /// The leader has so many messages of this replica.
    mutating func catchUp(messages: Int) { take(machine.caughtUp(messages: messages)) }

    /// The loop was told that a replica's session is over.
    mutating func dismiss(_ replica: String, session: UInt64) {
        take(machine.dismissed(replica: replica, session: session, .unknownSession))
    }

    mutating func endAdvance(at index: Int) { take(machine.advanced(advancing.remove(at: index))) }

    /// The step under way finds a damaged sample.
    mutating func damage(_ sample: SampleReference) {
        isStepping = false
        let samples = steps.removeLast()
        take(machine.damaged(sample, in: .step(epoch: 1, samples: samples), problem: "bits"))
    }

    /// The oldest write that waits is made.
    mutating func store(failing error: StoreError? = nil) throws {
        let (part, change) = writes.removeFirst()
        let result: Result<StoreOutcome, StoreError> =
            if let error { .failure(error) } else { try store.apply([change])[0] }
        machine.roomBytes = store.capacityBytes - store.bytes
        take(try machine.stored(part, result, now: now))
    }

    private mutating func take(_ actions: [WorkerMachine.Action]) {
        for action in actions {
            switch action {
            case .reply(let device, let session, let body): replies.append((device, session, body))
            case .checkAndStore(let delivery): checkAndStore(delivery)
            case .advance(let samples, let blocks):
                #expect(!isFinished, "a worker that is done computes no more")
                #expect(blocks.upperBound == 4 && !blocks.isEmpty)
                #expect(samples.allSatisfy { stored.contains($0) }, "only what is stored is computed")
                advancing.append(samples)
            case .step(_, let samples):
                #expect(!isFinished, "a worker that is done computes no more")
                #expect(!isStepping, "one step at a time")
                #expect(samples.allSatisfy { stored.contains($0) }, "only what is stored is trained")
                isStepping = true
                steps.append(samples)
            case .begin(let counts):
                #expect(self.counts == nil, "training begins once")
                self.counts = counts
                if preparesAtOnce { endPreparation() }
            case .keep(let report, let unrecorded):
                #expect(!isStepping, "what follows a step comes before the next one")
                #expect(unrecorded.last == report && unrecorded == machine.reports)
            case .checkpoint(let unrecorded):
                #expect(unrecorded == machine.reports)
                #expect(!isStepping, "a checkpoint is written between steps")
                checkpoints += 1
                take(machine.checkpointed())
            case .forget(let device, let sequence):
                _ = try? store.apply([.forget(device: device, sequence: sequence)])
                take(machine.forgotten(device: device, sequence: sequence))
            case .leave(let outcome):
                #expect(!isFinished && !isStepping, "a worker leaves once, and not within a step")
                self.outcome = outcome
            case .tell(let body): told.append(body)
            case .tellFinished(let drained):
                var body = Body.WorkerFinished(
                    steps: 0, epochs: 0, tokens: 0, samples: 0, seconds: 0, bytesUp: 0, bytesDown: 0)
                body.drained = drained
                told.append(.workerFinished(body))
            case .tellObserver(let event): events.append(event)
            case .enroll(let plan): enrolled.append(plan)
            case .keepDeadLetter(let delivery, _): deadLetters.append(delivery.part)
            case .handOver(let order): handover = order
            case .adopt: isAdopting = true
            case .fail(let error): failure = error
            case .keepPiece: break
            case .forgetPieces: forgottenPieces += 1
            case .follow, .forward, .arrange, .replicaJoined, .replicaLeft, .takePart: replicating.append(action)
            }
        }
    }

    private mutating func checkAndStore(_ delivery: WorkerMachine.Delivery) {
        let rows = delivery.activations.partRows ?? 0..<delivery.activations.sampleIDs.count
        let payload = Self.payload(min(rows.count, 1024))
        do throws(WireError) {
            let checked = try payload.withUnsafeBytes { bytes in
                Result { () throws(WireError) in
                    try check.check(
                        delivery.activations, run: "run", payloads: [bytes],
                        owns: { machine.owns(device: delivery.part.device, sample: $0) })
                }
            }.get()
            if let error = machine.accepted(delivery, checked, keptBytes: checked.byteCount) { throw error }
            let samples = checked.samples.map { sample in
                StoredSample(
                    id: UInt64(delivery.part.device) << 32 | sample.id, targets: Array(checked.targets(of: sample)),
                    rows: sample.rows.count, columns: checked.columns, cut: checked.cut)
            }
            writes.append(
                (delivery.part, .message(delivery.part, samples: samples, payload: Frame(payload), codec: .f32)))
            if storesAtOnce { try? store() }
        } catch {
            take(machine.refused(delivery, error))
        }
    }
}

extension Body {
    func acknowledges(_ sequence: UInt64) -> Bool {
        if case .ack(let ack) = self { ack.sequence == sequence } else { false }
    }

    /// The protocol error number of a refusal.
    var rejection: UInt32? {
        if case .reject(let reject) = self { reject.number } else { nil }
    }

    var welcome: Body.Welcome? { if case .welcome(let welcome) = self { welcome } else { nil } }
}
