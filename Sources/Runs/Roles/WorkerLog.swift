import Coordinator
import Exchange
import Wire
import Worker

/// Writes down what a worker tells: steps into `metrics.jsonl`, totals for the summary.
///
/// Used on the worker's thread alone.
final class WorkerLog {
    private let state: WorkerState
    private let observer: @Sendable (WorkerRun.News) -> Void
    /// There from the first step on.
    private var record: RunRecord?

    init(_ state: WorkerState, observer: @escaping @Sendable (WorkerRun.News) -> Void) {
        self.state = state
        self.observer = observer
    }

    /// Takes what happened.
    ///
    /// - Throws: `RunError.folderUnwritable`.
    func take(_ event: WorkerEvent) throws {
        switch event {
        case .trainingBegan:
            guard let begun = state.begun else { return }
            record = try RunRecord(
                begun.setup, folder: state.folder, startStep: begun.startStep, totals: begun.totals)
            observer(
                .run(
                    .training(
                        method: begun.setup.recipe.training.method.rawValue, steps: begun.setup.totalSteps,
                        startStep: begun.startStep,
                        trainableParameters: begun.setup.parameters.layout.count, folder: state.folder.path)))
        case .stepped(let report):
            if let line = try record?.take(report) { observer(.run(line)) }
            tell(event)
        case .finished(let totals): record?.take(.completed(totals))
        default: tell(event)
        }
    }

    /// Tells of the worker's part in the run.
    func tell(_ event: WorkerEvent) { observer(.worker(event)) }

    /// Takes the totals of a method's server, and gives them as the coordinator hears of them; nil before training.
    func take(_ server: ProgramTotals) -> Body.WorkerFinished? {
        record?.take(server: server, devices: [:])
        return record?.totals
    }

    /// The run as a whole, as far as this worker knows it; nil before training.
    func summary(baseline: RunScore?, score: RunScore?, seconds: Double) -> RunSummary? {
        record?.summary(.completed, baseline: baseline, score: score, seconds: seconds)
    }
}
