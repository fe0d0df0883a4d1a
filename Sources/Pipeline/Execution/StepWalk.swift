import Synchronization
import Tensors

/// One step under way, seen by all stages that are walked here.
final class StepWalk: Sendable {
    private struct State {
        var progress: StepProgress
        var entries: [[StepTrace.Entry]]
        var failure: (any Error)?
        var underWay = 0
        /// When something last ended or came.
        var moved = ContinuousClock.now

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
                let next = isOver ? nil : state.progress.begin(thread: thread)
                if next != nil { state.underWay += 1 }
                return (next, isOver)
            }
            if isOver || next != nil { return next }
            pool.help { state.withLock { $0.isOver(thread) || $0.progress.canBegin(thread: thread) } }
        }
    }

    func ended(_ entry: StepTrace.Entry, _ stage: Int) {
        state.withLock { state in
            state.progress.end(entry.operation, stage: stage)
            state.entries[stage].append(entry)
            state.underWay -= 1
            state.moved = .now
        }
    }

    func failed(_ error: any Error) { state.withLock { $0.failure = $0.failure ?? error } }

    func heard(_ news: RemoteStages.News) {
        state.withLock { state in
            state.moved = .now
            switch news {
            case .ended(let operation, let stage): state.progress.end(operation, stage: stage)
            case .heard: break
            case .failed(let error): state.failure = state.failure ?? error
            }
        }
    }

    /// How long the stages here may go on waiting; nil when there is nothing left to wait for.
    ///
    /// - Parameter limit: for so many results of other stages that are not here.
    func patience(_ limit: (_ missing: Int) -> Duration) -> Duration? {
        state.withLock { state in
            let missing = state.progress.missing
            guard state.failure == nil, missing > 0 else { return nil }
            // While something is computed here, nobody waits.
            if state.underWay > 0 { state.moved = .now }
            return limit(missing) - (.now - state.moved)
        }
    }

    func entries() throws -> [[StepTrace.Entry]] {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.entries
        }
    }
}
