import Ledger
import Queueing
import Wire

// How a coordinator begins, and goes on with what an earlier one has recorded.
extension CoordinatorMachine {
    /// A run as the ledger knows it.
    ///
    /// - Parameter age: how long ago the run began.
    /// - Throws: `CoordinatorError.otherRun` when it is not the run of the settings, `.unreadablePlan`.
    init(
        _ settings: Coordinator.Configuration, restoring state: RunState, age: Duration = .zero
    ) throws(CoordinatorError) {
        self.init(settings)
        let run = settings.run
        guard state.run.seed == settings.seed else {
            throw .otherRun(run: run, difference: "its seed is \(state.run.seed), not \(settings.seed)")
        }
        // A run whose beginning was recorded without its devices has had none yet.
        guard state.devices.map(\.id) == settings.devices.map(\.id) || state.devices.isEmpty else {
            throw .otherRun(run: run, difference: "it has \(state.devices.count) devices with other names or places")
        }
        let plan = try state.plan.map { plan throws(CoordinatorError) in try RecordedPlan(json: plan.json) }
        generation = state.generation
        steps = state.newestStep?.step ?? 0
        stepEpoch = state.newestStep?.epoch ?? 1
        for record in state.devices { roster.devices[record.number].restore(record) }
        for record in state.workers { roster.workers[record.id] = Roster.Worker(record) }
        let devices = state.devices.filter { $0.state != .absent && $0.state != .failed }
        let workers = roster.workers.values.filter { $0.isExpected || $0.state == .away }
        roster.expecting = Set(devices.map(\.id) + workers.map(\.id))
        roster.owner = plan?.worker
        roster.pipelines = Pipelines(
            replicas: settings.replicas, stages: settings.stages, holders: plan?.pipelines ?? [])
        if roster.training?.state == .draining { drain = Drain(successor: plan?.successor, planned: plan?.successor) }
        predictedSeconds = state.plan?.predictedSeconds
        bottleneck = plan?.bottleneck
        before = state.run
        self.age = age
    }

    /// The first thing that the machine does.
    mutating func begin(now: Duration) -> [Action] {
        if let before {
            goOn(with: before, now: now)
        } else {
            record(
                .runBegan(
                    RecordedRun(
                        id: settings.run, recipeName: settings.recipeName, recipe: settings.recipe,
                        seed: settings.seed)))
            recordDevices()
        }
        defer { actions = [] }
        return actions
    }

    private mutating func goOn(with run: RecordedRun, now: Duration) {
        if run.state == .completed { return leave(.completed(Body.WorkerFinished(steps: steps)), now: now) }
        if run.state == .stopping {
            recordEnd(.interrupted, .interrupted, "the run was stopped by its user")
            return leave(.interrupted(nil), now: now)
        }
        record(.runState(run: settings.run, .gathering, plannedSteps: nil))
        recordDevices()
        let mayLeave = settings.losses == .fail
        for device in roster.devices where device.state == .publishing || device.state == .finished && !mayLeave {
            liveness.heard(device.id, now: now)
        }
        for worker in roster.workers.values where worker.isExpected { liveness.heard(worker.id, now: now) }
    }

    /// The run was over before: those who do not know it yet are told.
    private mutating func leave(_ outcome: CoordinatorOutcome, now: Duration) {
        event(.info, "coordinator", "the run was over; whoever still comes is told so")
        let devices = roster.devices.filter { $0.state == .publishing || $0.state == .finished }.map(\.id)
        leave(outcome, present: devices + roster.workers.values.filter(\.isExpected).map(\.id), now: now)
    }

    /// So that the ledger lists those who have not come yet.
    private mutating func recordDevices() {
        for device in roster.devices where device.state == .absent {
            record(.deviceJoined(device.record(run: settings.run)))
        }
        let text = "waits for \(settings.devices.count) devices and a worker"
        event(.info, "coordinator", generation == 0 ? text : "goes on after step \(steps)")
    }
}

extension Roster.Device {
    fileprivate mutating func restore(_ record: DeviceRecord) {
        cut = record.cut
        samples = record.samples > 0 ? record.samples : nil
        state = record.state
        generation = record.generation
        worker = record.worker
        memoryBytes = record.memoryBytes
        measures = DeviceMeasures(
            blockSeconds: record.blockSeconds, uplinkBytesPerSecond: record.uplinkBytesPerSecond)
    }
}

extension Roster.Worker {
    fileprivate init(_ record: WorkerRecord) {
        self.init(id: record.id)
        endpoint = record.endpoint
        key = record.publicKey
        state = record.state
        step = record.step
    }

    /// Whether it was at work when the coordinator ended.
    fileprivate var isExpected: Bool {
        state == .training || state == .draining || state == .standby || state == .replica
    }
}

extension Body.WorkerFinished {
    /// Of a run that was over before this process began, of which the ledger knows the steps alone.
    fileprivate init(steps: Int) {
        self.init(
            steps: UInt64(steps), epochs: 0, tokens: 0, samples: 0, seconds: 0, bytesUp: 0, bytesDown: 0)
    }
}
