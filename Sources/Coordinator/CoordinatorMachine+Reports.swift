import Diagnostics
import Ledger
import Queueing
import Wire

// What devices and workers tell about their work.
extension CoordinatorMachine {
    mutating func progressed(_ progress: Body.DeviceProgress, _ id: String) {
        guard let number = roster.number(of: id) else { return }
        roster.devices[number].progress = progress
        measure(progress, of: roster.devices[number])
        if progress.finished, progress.peakMemoryBytes > 0 {
            let peakBytes = Int(told: progress.peakMemoryBytes)
            record(.peak(PeakRecord(run: settings.run, device: id, peakBytes: peakBytes)))
        }
        if progress.finished, settings.losses == .fail { liveness.forget(id) }
        setState(progress.finished ? .finished : .publishing, ofDevice: number)
        notify(.deviceProgress(device: id, progress))
    }

    /// A step is recorded, and then confirmed as often as it is told: the worker tells it until it is.
    mutating func stepped(_ report: Body.StepReport, _ id: String) {
        let step = Int(told: report.step)
        guard id == roster.owner, step > 0, step == report.step else { return }
        record(.step(StepRecord(report, run: settings.run, worker: id)))
        roster.workers[id]?.step = step
        if step > steps {
            steps = step
            stepEpoch = Int(told: report.epoch)
            notify(.step(report))
        }
        send(.stepRecorded(step: report.step), to: id)
    }

    mutating func queued(_ report: Body.QueueReport, _ id: String, now: Duration) {
        guard id == roster.owner || roster.pipelines.isHelper(id) else { return }
        follow(Refusals(report.refusals), of: .init(role: "worker", id: id), now: now)
        followQueue(report, of: id)
        guard id == roster.owner else { return }
        measure(report)
        follow(report, of: id)
        follow(report.shares)
        for queue in report.devices {
            guard let number = roster.number(of: queue.device) else { continue }
            roster.devices[number].queue = queue
            roster.devices[number].hasNews = true
        }
        if report.isFull != isStoreFull {
            isStoreFull = report.isFull
            event(
                report.isFull ? .warning : .info, id,
                report.isFull
                    ? "its store is full: \(report.storeBytes) of \(report.storeCapacity) bytes" : "its store has room")
        }
    }

    /// Records what a worker's computations take, when that has changed. A worker that was started again has nothing to
    /// tell at first: what is known of it stays.
    private mutating func follow(_ report: Body.QueueReport, of worker: String) {
        let seconds = report.frozenForwardSeconds
        let compute = ComputeRecord(
            run: settings.run, worker: worker,
            frozenForwardSeconds: seconds.isFinite && seconds > 0 ? seconds : nil,
            pipeline: report.pipeline.flatMap { $0.isFinite && $0.stages.count <= Self.mostStages ? $0 : nil })
        guard compute.frozenForwardSeconds != nil || compute.pipeline != nil, self.compute[worker] != compute else {
            return
        }
        self.compute[worker] = compute
        record(.compute(compute))
    }

    /// Records who computed how much, where that has changed.
    private mutating func follow(_ told: [Body.WorkerShare]) {
        let changed = told.prefix(Self.maximumWorkers).filter { share in
            roster.workers[share.worker] != nil
                && shares.updateValue(share.microBatches, forKey: share.worker) != share.microBatches
        }
        guard !changed.isEmpty else { return }
        record(
            .shares(
                changed.map {
                    ShareRecord(run: settings.run, worker: $0.worker, microBatches: Int(told: $0.microBatches))
                }))
    }

    /// The live figures of everybody with news.
    mutating func recordCursors(now: Duration) {
        var cursors: [CursorRecord] = []
        for device in roster.devices where device.hasNews {
            cursors.append(CursorRecord(device, run: settings.run, now: now))
            roster.devices[device.number].hasNews = false
        }
        if !cursors.isEmpty { record(.cursors(cursors)) }
    }
}

extension StepRecord {
    /// A report as the ledger keeps it. The digest is in hexadecimal.
    fileprivate init(_ report: Body.StepReport, run: String, worker: String) {
        func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
        self.init(
            run: run, step: Int(told: report.step), epoch: Int(told: report.epoch), loss: finite(report.loss),
            accuracy: finite(report.accuracy), learningRate: finite(report.learningRate),
            // These are added up for all steps of a run.
            tokens: Int(UInt32(clamping: report.tokens)), samples: Int(UInt32(clamping: report.samples)),
            sampleIDs: report.sampleIDs,
            adapterDigest: report.adapterDigest.hexadecimal,
            seconds: finite(report.seconds), worker: worker)
    }
}

extension CursorRecord {
    fileprivate init(_ device: Roster.Device, run: String, now: Duration) {
        self.init(run: run, device: device.id)
        if let queue = device.queue {
            settledSamples = Int(told: queue.samples)
            settledMessages = Int(told: queue.messages)
            settledBytes = Int(told: queue.bytes)
            pendingBytes = Int(told: queue.pendingBytes)
            creditBytes = Int(told: queue.creditBytes)
            redelivered = Int(told: queue.redelivered)
            duplicates = Int(told: queue.duplicates)
            dead = Int(told: queue.dead)
        }
        if let seconds = device.progress?.roundTripSeconds, seconds.isFinite, seconds > 0 { roundTripSeconds = seconds }
        silentSeconds = device.lastHeard.map { max(0, (now - $0).seconds) } ?? 0
    }
}
