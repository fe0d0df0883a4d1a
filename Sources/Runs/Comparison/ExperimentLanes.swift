import Dispatch
import Experiments
import Queueing
import Synchronization

/// Runs of a comparison on threads of their own, and what they tell, for one thread that waits for it.
final class ExperimentLanes {
    /// What a run tells.
    enum Event: Sendable {
        case scored(ExperimentJob, ExperimentResult.Point)
        /// With the seconds that it took; nil for a run that diverged.
        case ended(ExperimentJob, seconds: Double, Result<ExperimentResult?, any Error>)
    }

    /// One run: it ends with `CancellationError` soon after another one has failed.
    typealias Body =
        @Sendable (
            _ job: ExperimentJob, _ hasFailed: () -> Bool, _ progress: (ExperimentResult.Point) -> Void
        ) throws -> ExperimentResult?

    /// Runs under way, and since when.
    private(set) var running: [ExperimentJob: RoleClock] = [:]
    private let body: Body
    private let events = EventBox()
    private let threads = DispatchGroup()

    init(_ body: @escaping Body) { self.body = body }

    /// Starts a run.
    func begin(_ job: ExperimentJob) {
        let clock = RoleClock()
        running[job] = clock
        RoleThread.start(job.name, in: threads) { [events] error in
            events.append(.ended(job, seconds: clock.now.seconds, .failure(error)))
        } _: { [body, events] in
            let result = try body(job, { events.hasFailed }, { events.append(.scored(job, $0)) })
            events.append(.ended(job, seconds: clock.now.seconds, .success(result)))
        }
    }

    /// Waits for what comes next; some run must be under way.
    func next() -> Event {
        let event = events.next()
        if case .ended(let job, _, _) = event { running[job] = nil }
        return event
    }

    /// Lets runs end that are still under way, and waits for them.
    func end() {
        events.fail()
        threads.wait()
    }
}

/// Events in the order in which they came.
private final class EventBox: Sendable {
    private let waiting = Mutex<[ExperimentLanes.Event]>([])
    private let arrivals = DispatchSemaphore(value: 0)
    private let failed = Atomic(false)

    var hasFailed: Bool { failed.load(ordering: .relaxed) }

    func fail() { failed.store(true, ordering: .relaxed) }

    func append(_ event: ExperimentLanes.Event) {
        waiting.withLock { $0.append(event) }
        arrivals.signal()
    }

    func next() -> ExperimentLanes.Event {
        arrivals.wait()
        return waiting.withLock { $0.removeFirst() }
    }
}
