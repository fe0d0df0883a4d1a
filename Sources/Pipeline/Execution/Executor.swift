import Synchronization
import Tensors

/// What the operations of a pipeline's stages compute.
public protocol StageWork: Sendable {
    /// Does F, B or W. Operations of one stage never overlap; what an operation reads was done before. Where the schedule
    /// fuses B and W, one of them does both.
    func perform(_ operation: StageOperation, stage: Int) throws
    /// Bytes that lie between F and W on a stage, asked between its operations.
    func stashedBytes(stage: Int) -> Int
}

/// Walks the stages of a schedule through one step, each on a thread of the pool.
///
/// It decides nothing: an operation begins when its inputs are there. A stage that has to wait helps the pool meanwhile,
/// whose other jobs are F0 of later samples: frozen blocks never change, so that every gap can be filled with them.
public struct Executor: Sendable {
    private let pool: ComputePool
    private let capBytes: Int?

    /// - Parameters:
    ///   - pool: has at least as many threads as any schedule has stages; more stages than threads would wait for each
    ///     other for ever.
    ///   - capBytes: the most that a stage may stash, as was proven of its schedules.
    public init(pool: ComputePool, capBytes: Int? = nil) {
        self.pool = pool
        self.capBytes = capBytes
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
        precondition(schedule.stages.count <= pool.threads, "every stage has a thread")
        let step = Step(StepProgress(schedule, sums: sums), stages: schedule.stages.count)
        let start = ContinuousClock.now
        pool.run(schedule.stages.count) { [pool, capBytes] stage in
            while let operation = step.next(stage, pool) {
                let began = ContinuousClock.now
                do {
                    try work.perform(operation, stage: stage)
                    let entry = StepTrace.Entry(
                        operation: operation, start: began - start, end: ContinuousClock.now - start,
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
}

/// One step under way, seen by all stages.
private final class Step: Sendable {
    private struct State {
        var progress: StepProgress
        var entries: [[StepTrace.Entry]]
        var failure: (any Error)?
    }

    private let state: Mutex<State>

    init(_ progress: StepProgress, stages: Int) {
        state = Mutex(State(progress: progress, entries: Array(repeating: [], count: stages)))
    }

    /// What a stage does next, as soon as it can begin; nil at the end.
    func next(_ stage: Int, _ pool: ComputePool) -> StageOperation? {
        while true {
            let (operation, isOver) = state.withLock { state in
                let isOver = state.failure != nil || state.progress.isFinished(stage)
                return (isOver ? nil : state.progress.begin(stage), isOver)
            }
            if isOver || operation != nil { return operation }
            pool.help { state.withLock { $0.failure != nil || $0.progress.canBegin(stage) } }
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
