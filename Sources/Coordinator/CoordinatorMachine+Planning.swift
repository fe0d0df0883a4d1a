import Ledger
import Wire

// Who runs what, and how everybody learns it.
extension CoordinatorMachine {
    /// Makes a new plan when something has changed, records it, and tells those whom it concerns.
    mutating func plan() {
        chooseHelpers()
        chooseHomes()
        let mayPlan = settings.losses != .end || roster.isComplete
        if let owner = roster.owner, !isPlanned, mayPlan { plan(for: owner) }
        guard phase == .gathering, roster.owner != nil, roster.isComplete else { return }
        phase = .running
        record(.runState(run: settings.run, .training, plannedSteps: settings.plannedSteps(roster.samples)))
        notify(.began)
    }

    private mutating func plan(for owner: String) {
        generation += 1
        let reason = summary
        let successor = drain?.successor
        drain?.planned = successor
        let plan = RecordedPlan(
            worker: owner, successor: successor,
            pipelines: roster.pipelines.helpers.isEmpty ? nil : roster.pipelines.recorded, reason: reason,
            bottleneck: bottleneck)
        var entries = [
            LedgerEntry.plan(
                PlanRecord(
                    run: settings.run, generation: generation, predictedSeconds: predictedSeconds, json: plan.json))
        ]
        let told = reassigned.sorted { $0.key < $1.key }
        for (number, reason) in told {
            roster.devices[number].generation = generation
            let worker = roster.devices[number].home ?? owner
            roster.devices[number].worker = worker
            entries.append(
                .assigned(
                    AssignmentRecord(
                        run: settings.run, generation: generation, device: roster.devices[number].id, worker: worker,
                        cut: roster.devices[number].cut, creditBytes: roster.devices[number].creditBytes,
                        reason: reason)))
        }
        reasons = []
        reassigned = [:]
        actions.append(.record(entries))
        notify(.planned(generation: generation, reason: reason))
        sendPlan(to: owner)
        if let successor { sendPlan(to: successor) }
        for helper in roster.pipelines.helpers { sendPlan(to: helper) }
        if drain != nil { tellDrain() }
        for (number, _) in told { send(.assignment(assignment(of: number)), to: roster.devices[number].id) }
    }

    private var summary: String {
        let shown = reasons.isEmpty ? ["assignments are new"] : Array(reasons.prefix(3))
        let more = reasons.count - shown.count
        return shown.joined(separator: "; ") + (more > 0 ? "; and \(more) more" : "")
    }

    /// Whether the newest plan says everything; if not, the next one will, and is told then.
    var isPlanned: Bool { reasons.isEmpty && reassigned.isEmpty }

    /// Tells the owner, those who help it, or the worker that takes over from it, what to expect.
    mutating func sendPlan(to worker: String) {
        guard isPlanned else { return }
        let pipelines = roster.pipelines, isHelper = pipelines.isHelper(worker)
        let isSuccessor = worker != roster.owner && !isHelper
        // One that leaves may be left behind by the first stage of its pipeline.
        let leader = isHelper ? pipelines.leader(of: worker) ?? roster.owner : nil
        let devices = roster.devices.map { device in
            Body.DevicePlan(
                device: device.id, samples: UInt64(device.samples ?? 0), cut: UInt32(clamping: device.cut),
                key: device.isRevoked ? "" : device.key, creditBytes: UInt64(clamping: device.creditBytes))
        }
        send(
            .runPlan(
                Body.RunPlan(
                    devices: devices, seed: settings.seed, generation: UInt64(generation),
                    predecessor: isSuccessor ? roster.owner ?? "" : "",
                    predecessorKey: isSuccessor ? roster.training?.key ?? "" : "",
                    leader: leader.flatMap { peer($0) },
                    replicas: worker == roster.owner ? pipelines.heads.compactMap { peer($0) } : [],
                    stages: pipelines.stages(of: worker).compactMap { peer($0) })),
            to: worker)
    }

    private func peer(_ id: String) -> Body.WorkerPeer? {
        roster.workers[id].map { Body.WorkerPeer(worker: id, endpoint: $0.endpoint, key: $0.isRevoked ? "" : $0.key) }
    }

    /// A device's newest assignment: the same in every answer to the same generation.
    func assignment(of number: Int) -> Body.Assignment {
        let device = roster.devices[number]
        let worker = device.worker.flatMap { roster.workers[$0] }
        return Body.Assignment(
            cut: UInt32(clamping: device.cut), workerEndpoint: worker?.endpoint ?? "", seed: settings.seed,
            generation: UInt64(device.generation), number: UInt32(clamping: number),
            epoch: UInt32(clamping: max(settings.epoch, stepEpoch)), worker: device.worker ?? "",
            workerKey: worker?.key ?? "", samples: settings.losses == .end ? UInt64(roster.samples) : 0,
            codec: device.codec?.rawValue ?? 0)
    }
}
