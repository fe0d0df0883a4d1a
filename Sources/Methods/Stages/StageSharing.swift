import Pipeline
import Tensors

/// What one stage of a step is.
public struct StageShare: Sendable {
    /// Which one, from 0.
    public var stage: Int
    /// Consecutive blocks; the model's last one comes with the head.
    public var blocks: Range<Int>
    /// At least the stage's own list is in it.
    public var schedule: Schedule

    /// A stage's share of a step.
    public init(stage: Int, blocks: Range<Int>, schedule: Schedule) {
        self.stage = stage
        self.blocks = blocks
        self.schedule = schedule
    }
}

/// What a later stage's worker is asked to do.
public struct StageOrder: Sendable {
    /// From 1.
    public var step: Int
    /// Of what trains before the step.
    public var digest: UInt64
    /// Sums of gradients in the step, or the part of it.
    public var sums: Int
    /// Whether they stay apart, as they are added up with others of the step.
    public var keepsSums: Bool
    /// What the loss of a target counts in the gradient.
    public var lossScale: Float
    /// What the stage is.
    public var share: StageShare
    /// All of the step, or the part of it; their activations come from the stage before.
    public var microBatches: [MicroBatch]
    /// Samples of the step before each micro-batch.
    public var firstSequences: [Int]

    /// An order.
    public init(
        step: Int, digest: UInt64, sums: Int, keepsSums: Bool = false, lossScale: Float, share: StageShare,
        microBatches: [MicroBatch], firstSequences: [Int]
    ) {
        self.keepsSums = keepsSums
        self.step = step
        self.digest = digest
        self.sums = sums
        self.lossScale = lossScale
        self.share = share
        self.microBatches = microBatches
        self.firstSequences = firstSequences
    }
}

/// What a stage's step came to.
public struct StageResult: Sendable {
    /// The gradient of what trains in its blocks, and of a classifier at the last stage: the sums, added up in their order,
    /// or one after another where they stay apart.
    public var gradient: Storage
    /// Of all micro-batches at the last stage; empty at others.
    public var results: [MicroBatchPass.Result]

    /// A stage's results.
    public init(gradient: Storage, results: [MicroBatchPass.Result]) {
        self.gradient = gradient
        self.results = results
    }
}

/// Other workers that are the later stages of this one's steps, or parts of steps. All of it is called on the thread that takes the steps, but
/// for `send`.
public protocol StageSharing: Sendable {
    /// A step begins: gives each of the shares to somebody, if there are enough for all.
    ///
    /// - Parameters:
    ///   - shares: of every stage but the first.
    ///   - exchange: gets what comes for the first stage.
    /// - Returns: whether they were given away.
    func begin(_ step: SharedStep, shares: [StageShare], exchange: StageExchange) -> Bool

    /// Hands activations of the first stage to the second.
    func send(_ tensor: StageTensor, step: Int)

    /// Waits for what the stages came to.
    ///
    /// - Parameter silence: how long nothing may come.
    /// - Returns: of every stage but the first; nil when one of them was given up.
    func collect(_ step: Int, silence: Duration) -> [StageResult]?

    /// Nothing more of the step is wanted from other stages.
    func close(_ step: Int)
}
