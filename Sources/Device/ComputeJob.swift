import Datasets
import Methods
import Queueing
import Tensors
import Wire

/// The computation of one group on the pool, and when its result counts.
struct ComputeJob {
    /// What came out, and what it took.
    struct Result: Sendable {
        let group: PublicationGroup
        let message: ActivationMessage
        let cut: Int
        let began: ContinuousClock.Instant
        /// In the model, without waits.
        let duration: Duration
        /// The processor's part of it.
        let processorTime: Duration

        /// Tokens times blocks.
        var blockTokens: Int { message.shape.rows * cut }

        /// How long it takes a device of some pace.
        func duration(at pace: DevicePace) -> Duration {
            pace.duration(lengths: message.lengths, blocks: cut, measured: duration, processorTime: processorTime)
        }
    }

    /// Where results and failures arrive.
    let results: Mailbox<Swift.Result<Result, any Error>>
    let forward: FrozenForward

    /// Computes a group's activations after the first `cut` blocks on the pool.
    func start(
        _ group: PublicationGroup, examples: [EncodedExample], cut: Int, codec: PayloadCodec, on pool: ComputePool
    ) {
        pool.submit { [results, forward] in
            results.post(
                Swift.Result {
                    // Before the clock starts: how fast the device computes is no matter of how fast it loads.
                    try forward.load(cut)
                    let start = ContinuousClock.now, processorStart = ProcessorTime.now
                    let activations = try forward.activations(of: examples.map(\.tokens), cut: cut)
                    let message = ActivationMessage(
                        samples: group.samples, examples: examples, activations: activations,
                        columns: forward.width, cut: cut, codec: codec)
                    return Result(
                        group: group, message: message, cut: cut, began: start, duration: ContinuousClock.now - start,
                        processorTime: ProcessorTime.now - processorStart)
                })
        }
    }
}
