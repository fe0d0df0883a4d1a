import Coordinator
import Ledger
import Monitoring
import Synchronization

/// What a coordinator's ledger and events are as metrics.
final class CoordinatorMetrics: Sendable {
    private let metrics = RoleMetrics(role: "coordinator")
    /// Steps whose times were counted, and the snapshot that was taken last.
    private let taken = Mutex<(steps: Int, number: Int)>((0, 0))

    var families: [MetricFamily] { metrics.families }

    /// Takes what happened.
    func take(_ event: CoordinatorEvent) {
        if case .failed(_, let error) = event { metrics.count(error.exitCode) }
    }

    /// Takes how the run stands.
    func take(_ snapshot: RunSnapshot) {
        let times = snapshot.history.seconds
        let known: Int? = taken.withLock { taken in
            guard snapshot.number > taken.number else { return nil }
            let known = taken.steps
            taken = (times.count, snapshot.number)
            return known
        }
        guard let known else { return }
        for time in times.dropFirst(known) { metrics.observe("train_step_duration_seconds", time) }
        takeTraining(snapshot)
        takeRoles(snapshot.state)
        takeQueues(snapshot.state)
    }

    private func takeTraining(_ snapshot: RunSnapshot) {
        let run = snapshot.state.run, pipeline = MonitoredRun.Pipeline(snapshot)
        for state in RecordedRun.State.allCases {
            metrics.set("run_state", run.state == state ? 1 : 0, ["state": state.rawValue])
        }
        metrics.set("train_step", Double(run.step))
        metrics.set("train_planned_steps", run.plannedSteps.map(Double.init))
        metrics.set("train_loss", snapshot.progress.loss)
        metrics.set("train_accuracy_ratio", snapshot.state.newestStep?.accuracy)
        metrics.raise("train_tokens_total", to: snapshot.history.tokens)
        metrics.raise("train_samples_total", to: snapshot.history.samples)
        metrics.set("pipeline_bubble_ratio", pipeline.bubbleRatio)
    }

    private func takeRoles(_ state: RunState) {
        for known in DeviceRecord.State.allCases {
            let count = state.devices.count { $0.state == known }
            metrics.set("devices", Double(count), ["state": known.rawValue])
        }
        for known in WorkerRecord.State.allCases {
            let count = state.workers.count { $0.state == known }
            metrics.set("workers", Double(count), ["state": known.rawValue])
        }
        let there = state.devices.count { $0.state == .publishing || $0.state == .finished }
        metrics.set("devices_connected", Double(there))
        let refusals = state.refusals.reduce(into: [String: Int]()) { $0.merge($1.reasons, uniquingKeysWith: +) }
        for (reason, count) in refusals { metrics.raise("messages_rejected_total", to: count, ["reason": reason]) }
    }

    private func takeQueues(_ state: RunState) {
        func sum(_ figure: (CursorRecord) -> Int) -> Int { state.cursors.reduce(0) { $0 + figure($1) } }
        metrics.raise("messages_applied_total", to: sum(\.settledMessages))
        metrics.raise("messages_duplicate_total", to: sum(\.duplicates))
        metrics.raise("messages_redelivered_total", to: sum(\.redelivered))
        metrics.raise("messages_dead_lettered_total", to: sum(\.dead))
        guard let owner = state.owner, let queue = state.queues.first(where: { $0.worker == owner }) else { return }
        metrics.set("queue_messages", Double(queue.messages))
        metrics.set("queue_bytes", Double(queue.bytes))
        metrics.set("queue_capacity_bytes", Double(queue.capacityBytes))
        // After the end nothing waits for anybody, whatever is still stored.
        metrics.set("queue_oldest_age_seconds", state.run.state.isOver ? 0 : queue.oldestAgeSeconds)
        metrics.set("queue_full", queue.isFull && !state.run.state.isOver ? 1 : 0)
    }
}
