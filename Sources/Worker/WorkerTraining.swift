import Diagnostics
import Foundation
import Methods
import Wire

/// What trains, and its checkpoints: what a worker does not know about itself. All of it is called on one thread,
/// between steps.
public struct WorkerTraining: Sendable {
    /// A checkpoint's files by name, in the order in which they are to be written, and the step it was written after.
    public typealias Checkpoint = (step: Int, files: [(name: String, url: URL)])

    /// What stages did in a step, and when it began.
    public typealias WalkedStep = (operations: StepOperations, begin: ContinuousClock.Instant)

    /// What trains, and the steps before that the coordinator may not have written down.
    public typealias Start = (trainer: Trainer, unrecorded: [Body.StepReport])

    /// Every device has said how many samples it holds: gives what trains, as the steps before have left it.
    public var begin: @Sendable (_ counts: [Int]) throws -> Start
    /// Called after `begin`: the ids of the samples that the steps of the current epoch have trained so far, in their
    /// order. Only heeded where steps follow arrivals; empty at the beginning of an epoch.
    public var usedSamples: @Sendable () throws -> [UInt64]
    /// Called after every step, when nothing changes what trains. A checkpoint keeps the steps that the coordinator has
    /// not written down: nobody else could tell of them if both died.
    public var afterStep: @Sendable (_ step: Body.StepReport, _ unrecorded: [Body.StepReport]) throws -> Void
    /// Writes a checkpoint now, and gives the newest one; nil when there is none.
    public var checkpoint: @Sendable (_ unrecorded: [Body.StepReport]) throws -> Checkpoint?
    /// Takes a checkpoint that another worker handed over: its files lie in a folder.
    public var adopt: @Sendable (_ step: Int, _ folder: URL) throws -> Void
    /// The step of the newest checkpoint, 0 for none. Called on the thread of `run`.
    public var checkpointStep: @Sendable () -> Int

    /// What the stages have done since the process began; nil without stages. Called on the thread of `run`, beside steps.
    public var pipeline: @Sendable () -> PipelineSummary?
    /// What the stages did in the newest whole step; nil before it, and without stages. Called on the thread of `run`, beside
    /// steps.
    public var newestStep: @Sendable () -> WalkedStep?

    /// What trains. By default nothing is kept of it beyond the process.
    public init(
        begin: @escaping @Sendable (_ counts: [Int]) throws -> Start,
        usedSamples: @escaping @Sendable () throws -> [UInt64] = { [] },
        afterStep: @escaping @Sendable (_ step: Body.StepReport, _ unrecorded: [Body.StepReport]) throws -> Void = {
            _, _ in
        },
        checkpoint: @escaping @Sendable (_ unrecorded: [Body.StepReport]) throws -> Checkpoint? = { _ in nil },
        adopt: @escaping @Sendable (_ step: Int, _ folder: URL) throws -> Void = { _, _ in },
        checkpointStep: @escaping @Sendable () -> Int = { 0 },
        pipeline: @escaping @Sendable () -> PipelineSummary? = { nil },
        newestStep: @escaping @Sendable () -> WalkedStep? = { nil }
    ) {
        self.pipeline = pipeline
        self.newestStep = newestStep
        self.begin = begin
        self.usedSamples = usedSamples
        self.afterStep = afterStep
        self.checkpoint = checkpoint
        self.adopt = adopt
        self.checkpointStep = checkpointStep
    }
}
