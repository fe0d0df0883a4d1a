import Balancing
import Methods
import Models
import Tensors

/// One run of a comparison: a method's programs on a fleet, from the untrained model to the end of its token budget.
///
/// Gradients and payloads are real; times are *simulated* by `VirtualClock`. The same task, settings and key give the same
/// result to the bit, but for `measuredSeconds`.
public struct ExperimentRun {
    private let task: ExperimentTask
    private let settings: ExperimentSettings
    private let key: ExperimentKey
    private let devices: [VirtualDevice]
    let programs: ProgramSet

    /// Makes the programs.
    ///
    /// - Parameters:
    ///   - key: its seed decides every use of chance.
    ///   - pool: for `central`; none of its jobs may call this.
    /// - Throws: `ExperimentError`, or what the model throws for a token outside the vocabulary.
    public init(
        _ task: ExperimentTask, _ settings: ExperimentSettings, key: ExperimentKey, pool: ComputePool
    ) throws {
        self.task = task
        self.settings = settings
        self.key = key
        let all = VirtualDevice.all(of: task.fleet, precision: task.precision)
        precondition(
            task.shards.count == all.count && task.cuts.count == all.count, "a shard and a cut for each device")
        programs = try ProgramBuilder(task: task, settings: settings, seed: key.seed, pool: pool).build()
        devices = programs.devices.isEmpty ? [] : all
        for (device, bytes) in zip(task.fleet.members, programs.memoryBytes) {
            let memory = task.fleet.classes[device.kind].memoryBytes
            guard bytes <= memory else {
                throw ExperimentError.deviceTooSmall(
                    device: device.id, method: settings.method.method.rawValue, neededBytes: bytes, memoryBytes: memory)
            }
        }
    }

    /// Steps or rounds that reach the budget.
    public var steps: Int { programs.steps }

    /// Trains to the end, once.
    ///
    /// - Parameters:
    ///   - shouldStop: asked often; the run ends with `CancellationError` when it says so.
    ///   - progress: called with every evaluation.
    /// - Throws: `CancellationError`, `ExperimentError.standsStill`, `TrainingError.diverged`, what the model throws for a token
    ///   outside the vocabulary, or what `progress` throws.
    public func run(
        shouldStop: () -> Bool = { false }, progress: (ExperimentResult.Point) throws -> Void = { _ in }
    ) throws -> ExperimentResult {
        var log = try EvaluationLog(
            task.evaluation, programs, budget: settings.tokenBudget, parts: settings.evaluations)
        var run = FleetRun(
            programs, devices: devices, ids: task.fleet.members.map(\.id),
            channel: devices.isEmpty ? nil : RadioChannel(task.fleet), speed: task.speed)
        try progress(log.recordBegin(run))
        try run.run(shouldStop: shouldStop) { run in
            if let point = try log.recordIfDue(run) { try progress(point) }
        }
        try progress(log.recordEnd(run))
        return ExperimentResult(
            key: key, learningRate: settings.learningRate, majorityRate: log.majorityRate, points: log.points,
            devices: results(of: run), bytesByKind: run.totals.bytesByKind, rank: programs.planner?.rank)
    }

    private func results(of run: FleetRun) -> [ExperimentResult.Device] {
        zip(devices, task.fleet.members).enumerated().map { place, device in
            let kind = task.fleet.classes[device.1.kind], timeline = run.clock.timeline
            let compute = timeline.track(.compute, of: place), rounds = run.totals.rounds[place]
            return ExperimentResult.Device(
                deviceClass: kind.name, samples: task.shards[place].count, cut: programs.cuts[place],
                flops: compute.amount, bytesUp: run.totals.bytesUp[place], bytesDown: run.totals.bytesDown[place],
                memoryBytes: programs.memoryBytes[place], computeSeconds: compute.seconds,
                uploadSeconds: timeline.track(.up, of: place).seconds,
                downloadSeconds: timeline.track(.down, of: place).seconds,
                joules: device.0.watts.map { timeline.joules(place, watts: $0) },
                roundSeconds: rounds.count > 0 ? rounds.seconds / Double(rounds.count) : nil,
                queueSeconds: programs.planner?.longestQueues[place])
        }
    }
}
