import Datasets
import Foundation
import Methods
import Models
import Queueing
import Randomness
import Support
import Synchronization
import Tensors
import Wire
import Worker

/// A worker over TCP with a tiny random model of 4 blocks, of which 2 are frozen, on a folder that outlives it.
final class TinyWorker: Sendable {
    static let frozenBlocks = 2

    /// Until it has ended: it holds the store.
    private let worker = Mutex<Worker?>(nil)
    private let events = Mutex<[WorkerEvent]>([])
    private let happened = DispatchSemaphore(value: 0)
    private let outcome = Mutex<Result<WorkerOutcome, any Error>?>(nil)
    private let end = DispatchSemaphore(value: 0)

    /// Starts it.
    init(
        _ id: String, context: ZeroMQContext, coordinator: String, folder: URL, model: TinyModel,
        training: WorkerTraining, deviceSecurity: SocketSecurity = .insecure
    ) throws {
        var configuration = Worker.Configuration(
            run: "run", id: id, coordinatorEndpoint: coordinator, deviceEndpoint: "tcp://127.0.0.1:*", epochs: 2,
            batch: 4, microBatch: 3, frozenBlocks: Self.frozenBlocks, targetLimit: 2, maximumTokens: 16,
            creditBytesPerDevice: 4096, heartbeatInterval: .milliseconds(100))
        configuration.coordinatorSecurity = .insecure
        configuration.deviceSecurity = deviceSecurity
        configuration.staysUntilStopped = true
        configuration.endsWhenFull = false
        configuration.handoverFolder = folder.appendingPathComponent("handover")
        let made = try Worker(
            configuration, context: context, forward: model.forward,
            store: Self.open(folder.appendingPathComponent("store").path), pool: model.pool, training: training)
        worker.withLock { $0 = made }
        let thread = Thread { [self] in
            let result = Result { try run() }
            outcome.withLock { $0 = result }
            end.signal()
        }
        thread.name = id
        thread.start()
    }

    private func run() throws -> WorkerOutcome {
        let taken = worker.withLock { $0 }
        defer { worker.withLock { $0 = nil } }
        guard let taken else { return .stopped }
        return try taken.run { event in
            events.withLock { $0.append(event) }
            happened.signal()
        }
    }

    func stop() { worker.withLock { $0 }?.stop() }

    /// The store of a worker that has ended goes when the last of its threads has let go of it, some time.
    private static func open(_ folder: String) throws -> LMDBActivationStore {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            let opened = Result {
                try LMDBActivationStore(folder: folder, run: "run", codec: .f32, capacityBytes: 1 << 20)
            }
            if case .failure(let error) = opened, let error = error as? StoreError, case .inUse = error,
                ContinuousClock.now < end
            {
                Thread.sleep(forTimeInterval: 0.01)
                continue
            }
            return try opened.get()
        }
    }

    /// Whether something happens, or has, within half a minute.
    func waits(for isIt: (WorkerEvent) -> Bool) -> Bool {
        while !events.withLock({ $0.contains(where: isIt) }) {
            guard happened.wait(timeout: .now() + 30) == .success else { return false }
        }
        return true
    }

    /// How it ended; an error when it has not within half a minute.
    func ended() throws -> WorkerOutcome? {
        guard end.wait(timeout: .now() + 30) == .success else { return nil }
        return try outcome.withLock { try $0?.get() }
    }
}

/// What a worker computes with.
struct TinyModel: Sendable {
    let model: LanguageModel
    let forward: FrozenForward
    let pool = ComputePool(threads: 2)

    init() throws {
        model = try LanguageModel(source: RandomModelSource(), maximumTokens: 32)
        forward = FrozenForward(model: model)
    }

    private func trainer() throws -> Trainer {
        let layout = TrainableLayout.adapters(
            model.hyperparameters, blocks: TinyWorker.frozenBlocks..<4, rank: 2, alpha: 4)
        return Trainer(
            model: model, head: try OutputHead(model: model, labelTokens: [3, 7]),
            parameters: try TrainableParameters(layout: layout, model: model, seed: 5),
            frozenBlocks: TinyWorker.frozenBlocks,
            optimizer: AdamW(layout: layout, coefficients: AdamWCoefficients(), clipNorm: 1),
            schedule: LearningRateSchedule(peak: 0.01, warmupSteps: 3, totalSteps: 20, shape: .constant), seed: 5,
            pool: pool)
    }

    /// Checkpoints are two files in a folder: the step, and all that the next step depends on.
    func training(_ folder: URL) -> WorkerTraining {
        let latest = TrainerBox()
        let step = folder.appendingPathComponent("step"), values = folder.appendingPathComponent("values")
        let writtenStep = { @Sendable () -> Int in
            (try? String(contentsOf: step, encoding: .utf8)).flatMap { Int($0) } ?? 0
        }
        return WorkerTraining(
            begin: { _ in
                let trainer = try trainer()
                if writtenStep() > 0 {
                    let floats = try Data(contentsOf: values).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
                    var start = 0
                    for state in trainer.state {
                        let flat = state.values.flat
                        for index in 0..<flat.count { flat.base[index] = floats[start + index] }
                        start += flat.count
                    }
                    trainer.resume(afterStep: writtenStep())
                }
                latest.trainer.withLock { $0 = trainer }
                return (trainer, [])
            },
            checkpoint: { _ in
                guard let trainer = latest.trainer.withLock({ $0 }) else { return nil }
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let floats = trainer.state.flatMap { state in
                    Array(UnsafeBufferPointer(start: state.values.flat.base, count: state.values.flat.count))
                }
                try floats.withUnsafeBytes { try Data($0).write(to: values) }
                try Data(String(trainer.step).utf8).write(to: step)
                return trainer.step == 0 ? nil : (trainer.step, [("values", values), ("step", step)])
            },
            adopt: { _, aside in try FileManager.default.moveItem(at: aside, to: folder) },
            checkpointStep: writtenStep)
    }

    /// The first-party device's message: activations of some samples after `cut` blocks.
    func message(
        _ sequence: UInt64, _ ids: [Int], of examples: [EncodedExample], cut: Int = 2
    ) throws -> (Body.Activations, [UInt8]) {
        let samples = ids.map { examples[$0] }
        let activations = try forward.activations(of: samples.map(\.tokens), cut: cut)
        let payload = Array(UnsafeRawBufferPointer(start: activations.base, count: activations.count * 4))
        let lengths = samples.map { UInt32($0.tokens.count) }
        return (
            Body.Activations(
                sequence: sequence, sampleIDs: ids.map(UInt64.init), lengths: lengths,
                targetLengths: samples.map { UInt32($0.targets.count) },
                targets: samples.flatMap { $0.targets.map(UInt32.init) }, cut: UInt32(cut),
                codec: PayloadCodec.f32.rawValue, rows: lengths.reduce(0, +), columns: UInt32(forward.width),
                checksum: payload.withUnsafeBytes { payloadChecksum($0) }), payload
        )
    }

    static func shard(_ count: Int) -> [EncodedExample] {
        var generator = SeededGenerator(seed: 8, stream: "shard")
        return (0..<count).map { _ in
            let tokens = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                Int32.random(in: 0..<50, using: &generator)
            }
            return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2))
        }
    }
}

/// Unchecked for the trainer alone, which the worker uses on one thread.
private final class TrainerBox: Sendable {
    let trainer = Mutex<Trainer?>(nil)
}
