import Diagnostics
import Exchange
import Methods
import Queueing
import Tensors
import Wire
import Worker

/// The worker of a distributed run whose method trains on devices: the server of the method's programs, beside a line to
/// the coordinator.
///
/// Nothing of it can go on elsewhere, nor after it was started again: what trains lies on the devices as well.
struct MethodWorker {
    let options: WorkerRun.Options
    let invitation: Invitation
    let state: WorkerState
    let stop: ProgramStop
    let tracer: Tracer?

    /// Takes part in the run until every step is taken, after which what was trained is in the run's folder, or until
    /// somebody says stop. Blocks the calling thread.
    ///
    /// - Returns: whether every step was taken.
    /// - Throws: a `NumberedError`; the coordinator was told if it could be.
    func run(_ log: WorkerLog, client: SocketSecurity, pool: ComputePool, context: ZeroMQContext) throws -> Bool {
        let devices = invitation.recipe.devices, ids = devices.cuts.indices.map(devices.id)
        var configuration = ProgramServerConfiguration(
            run: invitation.run, id: options.id, devices: ids, endpoint: options.listen)
        configuration.security = try options.security.server(id: options.id, context: context)
        configuration.silenceLimit = .seconds(devices.silenceSeconds)
        configuration.tracer = tracer
        let server = try ProgramServer(configuration, context: context, pool: pool, stop: stop)
        let endpoint = options.advertised ?? server.endpoint
        let registration = Body.Register(
            role: .worker, samples: 0, threads: UInt32(clamping: pool.threads), endpoint: endpoint,
            endpointKey: try options.security.keyPair()?.publicKey.z85 ?? "")
        let line = CoordinatorLine(
            try ControlLink(
                context: context, run: invitation.run, sender: options.id, endpoint: options.coordinator,
                security: client, heartbeatInterval: devices.heartbeatInterval, patience: options.patience),
            registration: registration
        ) { [security = configuration.security] event in
            switch event {
            case .registered: log.tell(.joined(endpoint: endpoint))
            case .away(let reason): log.tell(.coordinatorAway(reason: reason))
            case .planned(let plan):
                security.enroll(plan)
                log.tell(
                    .planned(
                        generation: plan.generation, devices: plan.devices.count,
                        known: plan.devices.count { $0.samples > 0 }))
            }
        }
        return try line.reportingFailure {
            guard let plan = try line.wait(stop, until: { $0.plan }) else {
                try line.leave(stop)
                log.tell(.left(.stopped))
                return false
            }
            return try train(server, counts: plan.counts(of: ids), line, log)
        }
    }

    private func train(_ server: ProgramServer, counts: [Int], _ line: CoordinatorLine, _ log: WorkerLog) throws -> Bool
    {
        let setup = try state.begin(counts).setup
        let plan = MethodPlan(setup), program = try plan.server(head: setup.head)
        try log.take(.trainingBegan(step: 0))
        var meter = StepMeter(setup)
        let outcome = try server.run(program, line: line) { event in
            guard case .completed(let progress, let totals) = event else { return }
            let report = meter.report(progress, totals, headTokens: totals.headTokens)
            try log.take(.stepped(report))
            try line.tell(report)
        }
        let totals = log.take(outcome.totals)
        if outcome.isCompleted {
            setup.parameters.flat.copy(from: plan.trained(program, []).flat)
            // Before the coordinator hears of the end: a worker that dies later finds nobody who would let it in.
            try setup.parameters.write(to: state.folder.adapterPath, baseModel: setup.recipe.model.path)
        } else if line.stopReason == nil {
            throw RunError.interruptedForGood(
                folder: state.folder.path, steps: meter.taken, method: setup.recipe.training.method.rawValue)
        }
        if let totals { try line.tell(totals) }
        try line.leave(stop)
        log.tell(.left(outcome.isCompleted ? .completed : .stopped))
        return outcome.isCompleted
    }
}

extension Body.RunPlan {
    /// Samples of each device.
    ///
    /// - Throws: `ExchangeError.refused` for a plan of other devices, or with numbers that nobody registers with.
    fileprivate func counts(of ids: [String]) throws(ExchangeError) -> [Int] {
        guard devices.map(\.device) == ids, let most = devices.map(\.samples).max(), most <= WireLimits().deviceSamples,
            devices.allSatisfy({ $0.samples > 0 })
        else {
            throw .refused(
                peer: "the coordinator", .numberOutOfRange(name: "samples", value: devices.map(\.samples).max() ?? 0))
        }
        return devices.map { Int($0.samples) }
    }
}
