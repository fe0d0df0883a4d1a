import Datasets
import Methods
import Queueing
import Tensors
import Wire

/// The arithmetic of a worker, off its socket thread: F0 passes as jobs of the pool, steps one after another on a
/// thread of their own, all results in one mailbox.
final class WorkerCompute: Sendable {
    /// Something that has ended.
    enum Result: Sendable {
        case advanced([SampleReference], duration: Duration)
        case stepped(Trainer.StepResult, epoch: Int, samples: Int)
        case failed(any Error)
    }

    let results: Mailbox<Result>
    private let forward: FrozenForward
    private let trainer: Trainer
    private let store: any ActivationStore
    private let pool: ComputePool
    private let microBatch: Int
    private let afterStep: @Sendable (Trainer.StepResult) throws -> Void
    /// A thread of its own, which mostly waits for the pool: steps never wait for somebody else's work.
    private let steps = ComputePool(threads: 1)

    init(
        forward: FrozenForward, trainer: Trainer, store: any ActivationStore, pool: ComputePool, microBatch: Int,
        afterStep: @escaping @Sendable (Trainer.StepResult) throws -> Void
    ) throws(TransportError) {
        self.forward = forward
        self.trainer = trainer
        self.store = store
        self.pool = pool
        self.microBatch = microBatch
        self.afterStep = afterStep
        results = try Mailbox()
    }

    /// F0 passes that may run at the same time: one per thread of the pool.
    var advanceLimit: Int { pool.threads }

    /// Runs the missing frozen blocks (F0) over samples in the store, and puts the result in their place.
    func advance(_ samples: [SampleReference], blocks: Range<Int>) {
        pool.submit { [self] in
            let start = ContinuousClock.now
            do {
                let known = try samples.map { try described($0.storeID) }
                let lengths = known.map(\.rows)
                let activations = Storage(count: lengths.reduce(0, +) * forward.width)
                let x_TD = activations.matrix(rows: lengths.reduce(0, +), columns: forward.width)
                try read(known.map(\.id), into: x_TD)
                forward.advance(x_TD, lengths: lengths, blocks: blocks)
                try store.replace(
                    known.map { $0.advanced(to: blocks.upperBound) },
                    payload: UnsafeRawBufferPointer(UnsafeBufferPointer(start: x_TD.base, count: x_TD.count)),
                    payloadCodec: .f32)
                results.post(.advanced(samples, duration: ContinuousClock.now - start))
            } catch {
                results.post(.failed(error))
            }
        }
    }

    /// Trains one step on samples that have passed all frozen blocks.
    func step(_ samples: [SampleReference], epoch: Int) {
        steps.submit { [self] in
            do {
                let batch = try Batches.cut(samples, size: microBatch).map { group in
                    let known = try group.map { try described($0.storeID) }
                    return MicroBatch(lengths: known.map(\.rows), targets: known.map(\.targets)) { [self] x_TD in
                        try read(known.map(\.id), into: x_TD)
                    }
                }
                let result = try trainer.step(batch)
                results.post(.stepped(result, epoch: epoch, samples: samples.count))
                // On the steps' only thread: a step that the result sets off waits here.
                try afterStep(result)
            } catch {
                results.post(.failed(error))
            }
        }
    }

    /// Returns when no step is under way.
    func waitForStep() { steps.run(1) { _ in } }

    private func described(_ id: UInt64) throws -> StoredSample {
        guard let sample = store.sample(id) else { throw StoreError.missing(sample: id) }
        return sample
    }

    /// Packs samples' activations one after another.
    private func read(_ ids: [UInt64], into x_TD: Matrix) throws {
        var next = x_TD.base
        for id in ids {
            let sample = try described(id)
            let count = sample.rows * sample.columns
            try store.read(id, into: UnsafeMutableBufferPointer(start: next, count: count))
            next += count
        }
    }
}

extension SampleReference {
    /// The sample's id in the store: unique over all devices.
    var storeID: UInt64 { UInt64(device) << 32 | UInt64(index) }
}
