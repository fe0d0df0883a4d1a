import Synchronization

/// What becomes known here of the stages of a step that are walked elsewhere: told on any thread, also before the step's
/// `Executor` runs.
public final class RemoteStages: Sendable {
    /// What is told.
    enum News: Sendable {
        /// The result of an operation is here.
        case ended(StageOperation, stage: Int)
        /// Something comes from a stage, though nothing is complete.
        case heard
        case failed(any Error)
    }

    private struct State {
        var untold: [News] = []
        var listener: (@Sendable (News) -> Void)?
    }

    private let state = Mutex(State())

    /// Nothing is known yet.
    public init() {}

    /// The result of another stage's operation is here.
    public func ended(_ operation: StageOperation, stage: Int) { tell(.ended(operation, stage: stage)) }

    /// Something is on its way: the stages are not silent.
    public func heard() { tell(.heard) }

    /// The step cannot be walked to its end: what is under way here comes to its end, and nothing else begins.
    public func fail(_ error: any Error) { tell(.failed(error)) }

    /// Tells what is known already, and then everything at once.
    func listen(_ listener: @escaping @Sendable (News) -> Void) {
        let untold = state.withLock { state in
            state.listener = listener
            defer { state.untold = [] }
            return state.untold
        }
        untold.forEach(listener)
    }

    func stopListening() { state.withLock { $0.listener = nil } }

    private func tell(_ news: News) {
        let listener = state.withLock { state in
            if state.listener == nil { state.untold.append(news) }
            return state.listener
        }
        listener?(news)
    }
}

/// A step that is walked in several places was given up.
public enum RemoteStagesError: Error, Equatable {
    /// Nothing came from the other stages for too long.
    case silent
    /// Another stage cannot go on, or is not wanted to.
    case lost
}
