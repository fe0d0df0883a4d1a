import Coordinator
import Diagnostics
import Ledger

/// A run as a coordinator tells it over HTTP.
struct MonitoredRun: Encodable {
    struct Run: Encodable {
        let id: String
        let recipe: String
        let state: RecordedRun.State
        let step: Int
        let plannedSteps: Int?
        let epoch: Int?
        let loss: Double?
        let accuracy: Double?
        let learningRate: Double?
        let tokensPerSecond: Double?
        let etaSeconds: Double?
        let begun: Double
        let ended: Double?
        let exitCode: Int32?
        let reason: String?
    }

    struct Pipeline: Encodable {
        struct Stage: Encodable {
            let stage: Int
            let worker: String
            let operations: [StepOperations.Operation]
        }

        let bubbleRatio: Double?
        let step: Int?
        let stages: [Stage]
    }

    struct Queue: Encodable {
        let messages: Int
        let bytes: Int
        let capacityBytes: Int
        let oldestAgeSeconds: Double
        let creditsBytes: Int
        let full: Bool
    }

    struct Worker: Encodable {
        let id: String
        let state: WorkerRecord.State
        let replica: Int?
        let stage: Int?
        let share: Double?
        let seen: Double
        let canDrain: Bool
    }

    struct Wire: Encodable {
        let receivedBytes: Int
        let sentBytes: Int
        let byCodec: [String: Int]
    }

    struct Event: Encodable {
        let time: Double
        let level: EventRecord.Level
        let role: String
        let source: String
        let text: String
    }

    let version: String
    let time: Double
    let run: Run
    let history: [StepHistory.Point]
    let pipeline: Pipeline
    let queue: Queue?
    let devices: MonitoredDevices
    let workers: [Worker]
    let wire: Wire?
    let events: [Event]

    init(_ snapshot: RunSnapshot) {
        let state = snapshot.state
        version = permafrostVersion
        time = snapshot.time
        run = Run(snapshot)
        history = snapshot.history.thinned
        pipeline = Pipeline(snapshot)
        queue = state.owner.flatMap { owner in state.queues.first { $0.worker == owner } }.map { Queue($0, state) }
        devices = MonitoredDevices(DeviceFigures.rows(state), now: snapshot.time)
        workers = Worker.all(state)
        wire = state.queues.isEmpty ? nil : Wire(state.queues)
        events = snapshot.events.map {
            Event(time: $0.time, level: $0.level, role: $0.role, source: $0.source, text: $0.text.printable)
        }
    }
}

extension RunState {
    /// The worker that takes the steps, as the newest plan has it.
    var owner: String? { recordedPlan?.worker ?? workers.first { $0.state == .training }?.id }

    /// The newest plan; nil before the first.
    var recordedPlan: RecordedPlan? { plan.flatMap { try? RecordedPlan(json: $0.json) } }
}

extension MonitoredRun.Run {
    init(_ snapshot: RunSnapshot) {
        let run = snapshot.state.run, progress = snapshot.progress, newest = snapshot.state.newestStep
        self.init(
            id: run.id, recipe: run.recipeName, state: run.state, step: run.step, plannedSteps: run.plannedSteps,
            epoch: progress.epoch, loss: progress.loss, accuracy: newest?.accuracy, learningRate: newest?.learningRate,
            tokensPerSecond: progress.tokensPerSecond, etaSeconds: progress.secondsLeft, begun: run.begun,
            ended: run.ended, exitCode: run.exitCode, reason: run.reason?.printable)
    }
}

extension MonitoredRun.Pipeline {
    /// Stages that were told of so much earlier than the newest one are walked by nobody any more.
    private static let oldestSeconds = 10.0

    init(_ snapshot: RunSnapshot) {
        let state = snapshot.state
        let newest = state.stages.map(\.time).max() ?? 0
        let stages = state.stages.filter { $0.time > newest - Self.oldestSeconds }
        self.init(
            bubbleRatio: state.compute.first { $0.worker == state.owner }?.pipeline?.measuredBubble
                ?? snapshot.progress.idleRatio,
            step: stages.first { $0.worker == state.owner }?.step,
            stages: stages.map { Stage(stage: $0.stage, worker: $0.worker, operations: $0.operations) }
                .sorted { ($0.stage, $0.worker) < ($1.stage, $1.worker) })
    }
}

extension MonitoredRun.Queue {
    init(_ queue: QueueRecord, _ state: RunState) {
        self.init(
            messages: queue.messages, bytes: queue.bytes, capacityBytes: queue.capacityBytes,
            oldestAgeSeconds: queue.oldestAgeSeconds, creditsBytes: state.cursors.reduce(0) { $0 + $1.creditBytes },
            full: queue.isFull)
    }
}

extension MonitoredRun.Worker {
    static func all(_ state: RunState) -> [MonitoredRun.Worker] {
        let pipelines = state.recordedPlan?.pipelines ?? []
        let all = state.shares.reduce(0) { $0 + $1.microBatches }
        return state.workers.map { worker in
            let replica = pipelines.firstIndex { $0.contains(worker.id) }
            let share = state.shares.first { $0.worker == worker.id }?.microBatches
            return MonitoredRun.Worker(
                id: worker.id, state: worker.state, replica: replica,
                stage: replica.flatMap { pipelines[$0].firstIndex(of: worker.id) },
                share: all > 0 ? share.map { Double($0) / Double(all) } : nil, seen: worker.time,
                canDrain: !state.run.state.isOver && [.standby, .replica, .training].contains(worker.state))
        }
    }
}

extension MonitoredRun.Wire {
    init(_ queues: [QueueRecord]) {
        self.init(
            receivedBytes: queues.reduce(0) { $0 + $1.receivedBytes },
            sentBytes: queues.reduce(0) { $0 + $1.sentBytes },
            byCodec: queues.reduce(into: [:]) { all, queue in all.merge(queue.codecBytes, uniquingKeysWith: +) })
    }
}
