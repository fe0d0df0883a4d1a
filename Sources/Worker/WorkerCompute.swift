import Datasets
import Diagnostics
import Dispatch
import Foundation
import Methods
import Queueing
import Synchronization
import Tensors
import Wire

/// The arithmetic of a worker, off its socket thread: F0 passes as jobs of the pool, steps and checkpoints one after
/// another on a thread of their own, all results in one mailbox.
final class WorkerCompute: Sendable {
    /// Something that has ended.
    enum Result: Sendable {
        case began(step: Int, unrecorded: [Body.StepReport], used: [UInt64])
        case advanced(
            [SampleReference], cut: Int, tokens: Int, cost: Duration, Swift.Result<StoreOutcome, StoreError>)
        case stepped(Trainer.StepResult, cost: Duration, epoch: Int, samples: [SampleReference], digest: UInt64)
        case damaged(SampleReference, WorkSchedule.Work, StoreError)
        case stored(MessagePart, Swift.Result<StoreOutcome, StoreError>)
        case noted(Swift.Result<StoreOutcome, StoreError>)
        case forgot(device: UInt32, sequence: UInt64, Swift.Result<StoreOutcome, StoreError>)
        case checkpointed(WorkerTraining.Checkpoint?)
        case adopted(step: Int)
        case notAdopted
        case handover(HandoverPublisher.Event)
        case toReplica(String, session: UInt64, Body, Frame?)
        case replicaLate(String, session: UInt64, ReplicaRoster.Lateness)
        case replica(ReplicaFollower.Event)
        case stageGivenUp(step: Int, String)
        case asked
        case failed(any Error)
    }

    let results: Mailbox<Result>
    let writer: StoreWriter
    /// Those who compute parts of the steps, or walk later stages of them.
    let replicas: ReplicaGroup
    private let forward: FrozenForward
    private let store: any ActivationStore
    private let pool: ComputePool
    private let microBatch: Int
    private let training: WorkerTraining
    private let lanes: TracedLanes?
    private let trainer = Mutex<Trainer?>(nil)
    private let frozenForward = Mutex(LateTimes())
    private let frozenSpans = Mutex(FrozenSpans())
    private let time: Mutex<SharedTime>
    private let clock = RoleClock()
    /// A thread of its own, which mostly waits for the pool: steps never wait for somebody else's work.
    private let steps = ComputePool(threads: 1)

    init(
        forward: FrozenForward, training: WorkerTraining, store: any ActivationStore, pool: ComputePool,
        microBatch: Int, results: Mailbox<Result>, tracer: Tracer?
    ) {
        lanes = tracer.map { TracedLanes($0, name: "F0") }
        self.forward = forward
        self.training = training
        self.store = store
        self.pool = pool
        self.microBatch = microBatch
        self.results = results
        time = Mutex(SharedTime(threads: pool.threads))
        writer = StoreWriter(store)
        replicas = ReplicaGroup(width: forward.width) { [results] in
            results.post(.toReplica($0, session: $1, $2, $3))
        } tellLate: { [results] in
            results.post(.replicaLate($0, session: $1, $2))
        } gaveUp: { [results] in
            results.post(.stageGivenUp(step: $0, $1))
        }
    }

    /// F0 passes that may run at the same time: one per thread of the pool.
    var advanceLimit: Int { pool.threads }

    /// Numbers that train, and how many tensors of that size the next step depends on; nil before `begin`.
    var shape: (parameters: Int, states: Int)? {
        trainer.withLock { $0.map { ($0.parameters.layout.count, $0.state.count) } }
    }

    /// Median of F0 of a message; 0 before the first.
    var frozenForwardSeconds: Double { frozenForward.withLock { $0.median ?? 0 } }

    /// What the stages have done; nil without stages.
    var pipeline: PipelineSummary? { training.pipeline() }

    /// What the stages did in the newest whole step, and F0 beside it; nil without stages.
    var newestStep: StepOperations? {
        training.newestStep().map { step in
            frozenSpans.withLock { $0.joined(to: step.operations, begun: step.begin) }
        }
    }

    /// Makes ready what trains.
    func begin(_ counts: [Int]) {
        onSteps { [self] in
            let (ready, unrecorded) = try training.begin(counts)
            ready.sharing = replicas
            ready.stageSharing = replicas
            trainer.withLock { $0 = ready }
            results.post(.began(step: ready.step, unrecorded: unrecorded, used: try training.usedSamples()))
        }
    }

    /// Writes a checkpoint.
    func checkpoint(_ unrecorded: [Body.StepReport]) {
        onSteps { [self] in results.post(.checkpointed(try training.checkpoint(unrecorded))) }
    }

    /// Does what follows a step, before the next one begins.
    func keep(_ step: Body.StepReport, _ unrecorded: [Body.StepReport]) {
        onSteps { [self] in try training.afterStep(step, unrecorded) }
    }

    /// Takes over a checkpoint of another worker.
    func adopt(_ pieces: HandoverPieces) {
        onSteps { [self] in
            guard let step = try pieces.finish() else { return results.post(.notAdopted) }
            if step > 0 { try training.adopt(step, pieces.folder) }
            results.post(.adopted(step: step))
        }
    }

    /// Runs the missing frozen blocks (F0) over samples in the store, and puts the result in their place. Between two blocks,
    /// whatever a step waits for comes first.
    func advance(_ samples: [SampleReference], blocks: Range<Int>) {
        let job = Mutex<FrozenPass?>(nil)
        pool.submit(pieces: blocks.count) { [self] piece in
            let shared = time.withLock { $0.beginPass(now: clock.now) }
            let begun = ContinuousClock.now
            if piece == 0 { job.withLock { $0 = begin(samples, blocks) } }
            guard let pass = job.withLock({ $0 }) else { return }
            let block = blocks.lowerBound + piece
            let lane = lanes?.take()
            forward.advance(pass.x_TD, lengths: pass.lengths, blocks: block..<block + 1)
            lane?.end(["tokens": .number(pass.x_TD.rows), "block": .number(block + 1)])
            pass.duration += .now - begun
            pass.cost += time.withLock { $0.end(shared, now: clock.now) }
            if block == blocks.upperBound - 1 { end(pass, samples, blocks) }
        }
    }

    /// Nil when a sample could not be read, which is told.
    private func begin(_ samples: [SampleReference], _ blocks: Range<Int>) -> FrozenPass? {
        do {
            let pass = FrozenPass(try samples.map(described), width: forward.width)
            try read(samples, into: pass.x_TD)
            return pass
        } catch let damage as DamagedSample {
            results.post(
                .damaged(damage.sample, .advance(samples: samples, cut: blocks.lowerBound), damage.error))
        } catch {
            results.post(.failed(error))
        }
        return nil
    }

    private func end(_ pass: FrozenPass, _ samples: [SampleReference], _ blocks: Range<Int>) {
        frozenForward.withLock { $0.add(pass.duration) }
        frozenSpans.withLock { $0.add(from: pass.begin, to: .now) }
        let x_TD = pass.x_TD
        let bytes = UnsafeRawBufferPointer(UnsafeBufferPointer(start: x_TD.base, count: x_TD.count))
        let change = StoreChange.replace(
            pass.known.map { $0.advanced(to: blocks.upperBound) },
            payload: HeldBytes(owner: KeptStorage(pass.activations), bytes: bytes), codec: .f32)
        writer.submit(change) { [results] result in
            results.post(
                .advanced(samples, cut: blocks.lowerBound, tokens: x_TD.rows, cost: pass.cost, result))
        }
    }

    /// Trains one step on samples that have passed all frozen blocks.
    func step(_ samples: [SampleReference], epoch: Int) {
        onSteps { [self] in
            guard let trainer = trainer.withLock({ $0 }) else { return }
            time.withLock { $0.beginStep(now: clock.now) }
            do {
                let batch = try Batches.cut(samples, size: microBatch).map { group in
                    let known = try group.map(described)
                    return MicroBatch(lengths: known.map(\.rows), targets: known.map(\.targets)) { [self] x_TD in
                        try read(group, into: x_TD)
                    }
                }
                let result = try trainer.step(batch)
                let digest = trainer.digest
                let cost = time.withLock { $0.endStep(now: clock.now) }
                results.post(.stepped(result, cost: cost, epoch: epoch, samples: samples, digest: digest))
            } catch let damage as DamagedSample {
                _ = time.withLock { $0.endStep(now: clock.now) }
                results.post(.damaged(damage.sample, .step(epoch: epoch, samples: samples), damage.error))
            }
        }
    }

    /// Does something with what trains, between steps.
    @Sendable func withTrainer(_ body: @escaping @Sendable (Trainer) throws -> Void) {
        onSteps { [self] in
            if let trainer = trainer.withLock({ $0 }) { try body(trainer) }
        }
    }

    /// Returns when no step is under way, and everything that was to be stored is.
    func close() {
        let isDone = DispatchSemaphore(value: 0)
        steps.submit { isDone.signal() }
        isDone.wait()
        writer.close()
    }

    private func onSteps(_ body: @escaping @Sendable () throws -> Void) {
        steps.submit { [results] in
            do { try body() } catch { results.post(.failed(error)) }
        }
    }

    private func described(_ sample: SampleReference) throws -> StoredSample {
        guard let known = store.sample(sample.storeID) else { throw StoreError.missing(sample: sample.storeID) }
        return known
    }

    /// Packs samples' activations one after another.
    private func read(_ samples: [SampleReference], into x_TD: Matrix) throws {
        var next = x_TD.base
        for sample in samples {
            let known = try described(sample)
            let count = known.rows * known.columns
            do {
                try store.read(sample.storeID, into: UnsafeMutableBufferPointer(start: next, count: count))
            } catch {
                guard case .damaged = error else { throw error }
                throw DamagedSample(sample: sample, error: error)
            }
            next += count
        }
    }
}

/// A stored sample that is not what was written.
private struct DamagedSample: Error {
    let sample: SampleReference
    let error: StoreError
}

/// Unchecked, because nothing writes to the storage any more.
private final class KeptStorage: @unchecked Sendable {
    private let storage: Storage

    init(_ storage: Storage) { self.storage = storage }
}
