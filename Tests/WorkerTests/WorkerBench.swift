import Datasets
import Queueing
import Testing
import Wire

@testable import Worker

/// A worker machine with everything around it played by hand: no socket, no thread, no arithmetic.
///
/// It checks and stores as the worker's loop does, and records an issue when the machine breaks a rule.
struct WorkerBench {
    static let width = 2
    static let bytesPerSample = width * 4

    var machine: WorkerMachine
    private(set) var replies: [(device: String, body: Body)] = []
    private(set) var steps: [[SampleReference]] = []
    private(set) var isStepping = false
    private(set) var advancing: [[SampleReference]] = []
    private(set) var isFinished = false
    private(set) var stored: Set<SampleReference> = []
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: width, maximumCut: 4, targetLimit: 2, maximumLength: 8)

    init(epochs: Int = 2, batch: Int = 4, creditBytesPerDevice: Int = 1000, advanceLimit: Int = 2, startStep: Int = 0) {
        machine = WorkerMachine(
            WorkerMachine.Settings(
                epochs: epochs, batch: batch, frozenBlocks: 4, creditBytesPerDevice: creditBytesPerDevice,
                advanceLimit: advanceLimit, startStep: startStep))
    }

    static let plan = Body.RunPlan(
        devices: [.init(device: "a", samples: 10, cut: 4), .init(device: "b", samples: 6, cut: 2)], seed: 7,
        generation: 1)

    /// A message of one token per sample; `change` may make it lie.
    static func activations(
        _ sequence: UInt64, _ ids: [UInt64], cut: UInt32 = 4, change: (inout Body.Activations) -> Void = { _ in }
    ) -> Body.Activations {
        let payload = payload(ids.count)
        var activations = Body.Activations(
            sequence: sequence, sampleIDs: ids, lengths: ids.map { _ in 1 }, targetLengths: ids.map { _ in 1 },
            targets: ids.map { UInt32($0 % 2) }, cut: cut, codec: PayloadCodec.f32.rawValue, rows: UInt32(ids.count),
            columns: UInt32(width),
            checksum: payload.withUnsafeBytes { payloadChecksum($0) })
        change(&activations)
        return activations
    }

    static func payload(_ samples: Int) -> [UInt8] { Array(repeating: 0, count: samples * bytesPerSample) }

    mutating func plan(_ plan: Body.RunPlan = plan) { take(machine.planned(plan)) }
    mutating func stop() { take(machine.stopped()) }

    /// A device sends something.
    ///
    /// - Returns: what it was answered.
    @discardableResult
    mutating func send(_ device: String, _ body: Body, attempt: UInt32 = 1) -> [Body] {
        let before = replies.count
        var samples = 0
        if case .activations(let activations) = body { samples = activations.sampleIDs.count }
        take(
            machine.received(Envelope(run: "run", sender: device, attempt: attempt, body: body)),
            payload: Self.payload(samples))
        return replies[before...].map(\.body)
    }

    mutating func endStep() {
        guard isStepping else { return }
        isStepping = false
        take(machine.stepped())
    }

    mutating func endAdvance(at index: Int) {
        take(machine.advanced(advancing.remove(at: index)))
    }

    private mutating func take(_ actions: [WorkerMachine.Action], payload: [UInt8] = []) {
        for action in actions {
            switch action {
            case .reply(let device, let body): replies.append((device, body))
            case .checkAndStore(let device, let number, let activations):
                take(checkAndStore(device, number, activations, payload))
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
            case .finish:
                #expect(!isFinished && !isStepping, "a worker finishes once, and not within a step")
                isFinished = true
            }
        }
    }

    private mutating func checkAndStore(
        _ device: String, _ number: Int, _ activations: Body.Activations, _ payload: [UInt8]
    ) -> [WorkerMachine.Action] {
        var charged = 0
        do throws(WireError) {
            let checked = try payload.withUnsafeBytes { bytes in
                Result { () throws(WireError) in
                    try check.check(
                        activations, run: "run", payloads: [bytes],
                        owns: { machine.owns(device: device, sample: $0) })
                }
            }.get()
            if let error = machine.charge(device, bytes: checked.byteCount) { throw error }
            charged = checked.byteCount
            let samples = checked.samples.map { SampleReference(device: number, index: Int($0.id)) }
            if let twice = samples.first(where: { stored.contains($0) }) {
                throw .sampleAlreadyStored(UInt64(twice.index))
            }
            stored.formUnion(samples)
            #expect(replies.allSatisfy { !$0.body.acknowledges(activations.sequence) || $0.device != device })
            return machine.stored(checked, device: device, number: number)
        } catch {
            return machine.refused(
                device: device, sequence: activations.sequence, error, chargedBytes: charged)
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
}
