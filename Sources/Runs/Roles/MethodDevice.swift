import Checkpoints
import Datasets
import Device
import Diagnostics
import Exchange
import Experiments
import Methods
import Models
import Queueing
import Recipes
import Tensors
import Wire

/// A device of a distributed run whose method trains on devices: its side of the method, beside a line to the coordinator.
struct MethodDevice {
    let options: DeviceRun.Options
    let invitation: Invitation
    let prepared: PreparedModel
    let cache: CacheFolder
    let stop: ProgramStop

    /// Takes part in the run until it ends or somebody says stop. Blocks the calling thread.
    ///
    /// - Throws: a `NumberedError`; the coordinator was told if it could be.
    func run(
        _ examples: [EncodedExample], security: SocketSecurity, pool: ComputePool, context: ZeroMQContext,
        observer: @escaping (DeviceEvent) -> Void
    ) throws {
        let recipe = invitation.recipe, interval = recipe.devices.heartbeatInterval
        let line = CoordinatorLine(
            try ControlLink(
                context: context, run: invitation.run, sender: options.id, endpoint: options.coordinator,
                security: security, heartbeatInterval: interval, patience: options.patience),
            registration: Body.Register(
                role: .device, samples: UInt64(examples.count), threads: UInt32(clamping: pool.threads))
        ) { event in
            if case .away = event { observer(.reconnecting(to: .coordinator)) }
        }
        try line.reportingFailure {
            if let assignment = try line.wait(stop, until: { $0.assignment }) {
                let plan = try plan(assignment, examples)
                observer(.assigned(cut: plan.cut, generation: assignment.generation, worker: assignment.worker))
                let program = try plan.device(
                    DeviceShard(recipe, device: Int(assignment.number), examples), head: { try head() })
                var configuration = ProgramDeviceConfiguration(
                    run: invitation.run, id: options.id,
                    endpoint: options.workerEndpoint ?? assignment.workerEndpoint)
                configuration.security = try security.reaching(workerKey: assignment.workerKey)
                configuration.heartbeatInterval = interval
                configuration.tracer = options.trace?.role(options.id)
                configuration.pace = pace(plan.layout(ofDevice: Int(assignment.number)))
                let device = try ProgramDevice(configuration, context: context, program: program, pool: pool)
                let totals = try device.run(line: line, stop: stop)
                if !stop.isRequested {
                    try line.tell(totals, isLast: true, peakMemoryBytes: ProcessMemory.peakResidentBytes)
                }
            }
            try line.leave(stop)
            observer(.stopped(reason: line.stopReason ?? "the device was told to leave"))
        }
    }

    /// - Throws: `ExchangeError.refused` for a part of the plan that nobody can have.
    private func plan(_ assignment: Body.Assignment, _ examples: [EncodedExample]) throws -> MethodPlan {
        let recipe = invitation.recipe, devices = UInt64(recipe.devices.cuts.count)
        guard !examples.isEmpty, assignment.number < devices,
            (UInt64(examples.count)...devices << 24).contains(assignment.samples)
        else {
            throw ExchangeError.refused(
                peer: "the coordinator", .numberOutOfRange(name: "samples", value: assignment.samples))
        }
        let model = prepared.model
        return MethodPlan(recipe, model: model, samples: Int(assignment.samples)) { [cache] layout in
            guard let path = recipe.lora.start else {
                return try TrainableParameters(layout: layout, model: model, seed: recipe.seed)
            }
            let whole = try TrainableParameters(
                layout: TrainableLayout(recipe, model: model.hyperparameters), model: model, seed: recipe.seed)
            try whole.start(from: cache.resolve(path))
            return whole.part(layout)
        }
    }

    /// How long what this device computes takes.
    private func pace(_ layout: TrainableLayout) -> @Sendable ([MethodWork], Double) -> Double {
        switch options.pace {
        case .machine: return { $1 }
        case .slower(let times): return { times * $1 }
        case .rate(let rate):
            let recipe = invitation.recipe, sizes = prepared.model.hyperparameters
            let costs = WorkCosts(
                model: sizes, layout: layout, outputs: recipe.targetLimit(vocabularySize: sizes.vocabularySize),
                isOrthogonal: recipe.training.method == .soft)
            return { work, _ in work.reduce(0) { $0 + costs.flops($1) } / rate }
        }
    }

    /// Of the whole model, where the device has it.
    private func head() throws -> OutputHead {
        let recipe = invitation.recipe
        let task = try PromptTask(recipe.task, chat: prepared.chat, tokenizer: prepared.tokenizer)
        return try OutputHead(recipe, model: prepared.model, labelTokens: task.labelTokens)
    }
}
