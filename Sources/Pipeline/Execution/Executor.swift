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

/// Walks the stages of a schedule through one step, each on a thread of the pool.
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
        /// ended them is simulated: each takes the processor's time that it took. For more stages than processors.
        case emulated
    }

    private let pool: ComputePool
    private let capBytes: Int?
    private let manner: Manner

    /// - Parameters:
    ///   - pool: has at least as many threads as any schedule has stages; more stages than threads would wait for each
    ///     other for ever.
    ///   - capBytes: the most that a stage may stash, as was proven of its schedules.
    public init(pool: ComputePool, capBytes: Int? = nil, manner: Manner = .helping) {
        self.pool = pool
        self.capBytes = capBytes
        self.manner = manner
    }

    /// Takes one step. Must not be called from a job of the pool.
    ///
    /// - Parameters:
    ///   - schedule: checked; its F0 have been done.
    ///   - sums: sums of gradients: B and W of micro-batch i come after those of i − sums, whatever the schedule says.
    /// - Returns: what was done when, by stage.
    /// - Throws: the first error of `work`, or `ScheduleError.stashOverCap`, after all stages have stopped.
    @discardableResult
    public func run(_ schedule: Schedule, sums: Int, _ work: some StageWork) throws -> StepTrace {
        guard manner != .emulated else { return try emulate(schedule, sums: sums, work) }
        precondition(schedule.stages.count <= pool.threads, "every stage has a thread")
        let step = Step(
            StepProgress(schedule, sums: sums, helps: manner == .helping), stages: schedule.stages.count)
        let start = ContinuousClock.now
        pool.run(schedule.stages.count) { [pool, capBytes] thread in
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
        let trace = try VirtualClock.walk(schedule, sums: sums, helps: false) { operation, stage in
            let began = ProcessorTime.now
            try work.perform(operation, stage: stage)
            return (ProcessorTime.now - began, work.stashedBytes(stage: stage))
        }
        for (stage, entries) in trace.stages.enumerated() {
            for entry in entries { try entry.check(capBytes: capBytes, stage: stage) }
        }
        return trace
    }
}

/// One step under way, seen by all stages.
private final class Step: Sendable {
    private struct State {
        var progress: StepProgress
        var entries: [[StepTrace.Entry]]
        var failure: (any Error)?

        func isOver(_ thread: Int) -> Bool { failure != nil || progress.isFinished(thread: thread) }
    }

    private let state: Mutex<State>

    init(_ progress: StepProgress, stages: Int) {
        state = Mutex(State(progress: progress, entries: Array(repeating: [], count: stages)))
    }

    /// What a stage's thread does next, as soon as it can begin; nil at the end.
    func next(_ thread: Int, _ pool: ComputePool) -> (operation: StageOperation, stage: Int)? {
        while true {
            let (next, isOver) = state.withLock { state in
                let isOver = state.isOver(thread)
                return (isOver ? nil : state.progress.begin(thread: thread), isOver)
            }
            if isOver || next != nil { return next }
            pool.help { state.withLock { $0.isOver(thread) || $0.progress.canBegin(thread: thread) } }
        }
    }

    func ended(_ entry: StepTrace.Entry, _ stage: Int) {
        state.withLock { state in
            state.progress.end(entry.operation, stage: stage)
            state.entries[stage].append(entry)
        }
    }

    func failed(_ error: any Error) { state.withLock { $0.failure = $0.failure ?? error } }

    func entries() throws -> [[StepTrace.Entry]] {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.entries
        }
    }
}

extension StepTrace.Entry {
    fileprivate func check(capBytes: Int?, stage: Int) throws(ScheduleError) {
        guard let capBytes, stashedBytes > capBytes else { return }
        throw .stashOverCap(stage: stage, operation: operation, bytes: stashedBytes, capBytes: capBytes)
    }
}
