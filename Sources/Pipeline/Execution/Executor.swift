import Synchronization
import Tensors

/// What the operations of a pipeline's stages compute.
public protocol StageWork: Sendable {
    /// Does F, B or W. Operations of one micro-batch and stage never overlap; what one reads was done before. Where the schedule
    /// fuses B and W, one of them does both.
    func perform(_ operation: StageOperation, stage: Int) throws
    /// Bytes that the operations of a stage which have ended left between F and W.
    func stashedBytes(stage: Int) -> Int
}

/// Walks stages of a schedule through one step, each on a thread of the pool: all of them, or those of this process.
///
/// It decides nothing: an operation begins when its inputs are there. A stage that has to wait helps the pool meanwhile,
/// whose other jobs are F0 of later samples: frozen blocks never change, so that every gap can be filled with them.
public struct Executor: Sendable {
    /// What threads have to do with stages.
    public enum Manner: String, CaseIterable, Sendable {
        /// A stage's thread does other stages' operations while its own has to wait: they share their memory.
        case helping
        /// A thread does the operations of its stage alone, as a process of its own does.
        case apart
        /// All operations run one after another on the calling thread, and when stages of their own would have begun and
        /// ended them is simulated: each takes the processor's time that it took. A stage that would have to wait runs
        /// jobs that the pool keeps for those who help. For more stages than processors.
        case emulated
    }

    private let pool: ComputePool
    private let capBytes: Int?
    private let manner: Manner
    private let emulation = Emulation()

    private static let watchInterval = Duration.milliseconds(100)

    /// - Parameters:
    ///   - pool: has at least as many threads as any schedule has stages; more stages than threads would wait for each
    ///     other for ever.
    ///   - capBytes: the most that a stage may stash, as was proven of its schedules.
    public init(pool: ComputePool, capBytes: Int? = nil, manner: Manner = .helping) {
        self.pool = pool
        self.capBytes = capBytes
        self.manner = manner
    }

    /// Stages of a step that are walked here, while others are walked elsewhere: apart, whatever the manner, as nothing of the
    /// others' memory is here.
    public struct Share: Sendable {
        /// The stages that are walked here.
        public var stages: Range<Int>
        /// What becomes known of the others.
        public var others: RemoteStages
        /// How long nothing may come while nothing can be done here and so many results of others are missing; nil where
        /// `others` tells of everything that could end the wait.
        public var patience: (@Sendable (_ missing: Int) -> Duration)?

        /// A share of the stages.
        public init(
            stages: Range<Int>, others: RemoteStages, patience: (@Sendable (_ missing: Int) -> Duration)? = nil
        ) {
            self.stages = stages
            self.others = others
            self.patience = patience
        }
    }

    /// Takes one step. Must not be called from a job of the pool.
    ///
    /// - Parameters:
    ///   - schedule: checked; its F0 have been done. The lists of stages that are walked elsewhere are not looked at.
    ///   - sums: sums of gradients: B and W of micro-batch i come after those of i − sums, whatever the schedule says.
    ///   - share: which stages are walked here; nil for all.
    /// - Returns: what was done when, by stage.
    /// - Throws: the first error of `work` or of other stages, `ScheduleError.stashOverCap`, or
    ///   `RemoteStagesError.silent`, after all stages have stopped.
    @discardableResult
    public func run(
        _ schedule: Schedule, sums: Int, share: Share? = nil, _ work: some StageWork
    ) throws -> StepTrace {
        guard manner != .emulated || share != nil else { return try emulate(schedule, sums: sums, work) }
        let stages = share?.stages ?? schedule.stages.indices
        precondition(stages.count <= pool.threads, "every stage has a thread")
        let step = StepWalk(
            StepProgress(schedule, stages: stages, sums: sums, helps: manner == .helping && share == nil),
            stages: schedule.stages.count)
        let start = ContinuousClock.now
        share?.others.listen { [pool] news in
            step.heard(news)
            pool.wake()
        }
        defer { share?.others.stopListening() }
        pool.run(stages.count) {
            watch(step, share?.patience)
        } _: { [pool, capBytes] index in
            let thread = stages.lowerBound + index
            while let (operation, stage) = step.next(thread, pool) {
                let began = ContinuousClock.now
                do {
                    try work.perform(operation, stage: stage)
                    let entry = StepTrace.Entry(
                        operation: operation, thread: thread, start: began - start, end: ContinuousClock.now - start,
                        stashedBytes: work.stashedBytes(stage: stage))
                    try entry.check(capBytes: capBytes, stage: stage)
                    step.ended(entry, stage)
                } catch {
                    step.failed(error)
                }
                pool.wake()
            }
        }
        return StepTrace(begin: start, fusesBackward: schedule.fusesBackward, stages: try step.entries())
    }

    private func emulate(_ schedule: Schedule, sums: Int, _ work: some StageWork) throws -> StepTrace {
        let trace = try emulation.late.withLock { late in
            try VirtualClock.walk(schedule, sums: sums, helps: false, late: &late) {
                let began = ProcessorTime.now
                return pool.takeSubmitted() ? ProcessorTime.now - began : nil
            } perform: { operation, stage in
                let began = ProcessorTime.now
                try work.perform(operation, stage: stage)
                return (ProcessorTime.now - began, work.stashedBytes(stage: stage))
            }
        }
        for (stage, entries) in trace.stages.enumerated() {
            for entry in entries { try entry.check(capBytes: capBytes, stage: stage) }
        }
        return trace
    }

    /// What emulated stages still do when a step ends: jobs of the pool that they began while they had to wait.
    private final class Emulation: Sendable {
        let late = Mutex<[Duration]>([])
    }

    /// Gives other stages up once they have been silent for too long.
    ///
    /// - Returns: after how long to look again; nil for never.
    private func watch(_ step: StepWalk, _ limit: ((_ missing: Int) -> Duration)?) -> Duration? {
        guard let limit, let left = step.patience(limit) else { return nil }
        // What is missing gets less, and with it the patience.
        guard left <= .zero else { return min(left, Self.watchInterval) }
        step.failed(RemoteStagesError.silent)
        pool.wake()
        return nil
    }
}

extension StepTrace.Entry {
    fileprivate func check(capBytes: Int?, stage: Int) throws(ScheduleError) {
        guard let capBytes, stashedBytes > capBytes else { return }
        throw .stashOverCap(stage: stage, operation: operation, bytes: stashedBytes, capBytes: capBytes)
    }
}
