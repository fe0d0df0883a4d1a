import Queueing
import Wire

/// What was last told about the queue, so that only what changed is told again.
struct QueueFigures {
    private var told: [UInt32: Body.DeviceQueue] = [:]
    private var kept: [UInt32: StoreCounters] = [:]
    private var advanceSeconds = 0.0
    private var advanceBlockTokens: UInt64 = 0
    private var stepSeconds = 0.0
    private var stepTokens: UInt64 = 0

    mutating func advanced(tokens: Int, seconds: Double) {
        advanceBlockTokens += UInt64(tokens)
        advanceSeconds += seconds
    }

    mutating func stepped(tokens: Int, seconds: Double) {
        stepTokens += UInt64(tokens)
        stepSeconds += seconds
    }

    /// After a registration everything is told again.
    mutating func forgetTold() { told = [:] }

    /// What every report says, without devices.
    func common(_ machine: WorkerMachine, _ store: any ActivationStore, _ refusals: Refusals) -> Body.QueueReport {
        var report = Body.QueueReport(
            devices: [], storeBytes: UInt64(store.bytes), storeCapacity: UInt64(store.capacityBytes),
            isFull: machine.isFull, advanceSeconds: advanceSeconds, advanceBlockTokens: advanceBlockTokens,
            stepSeconds: stepSeconds, stepTokens: stepTokens, refusals: refusals.told)
        report.queuedMessages = UInt64(machine.book.messageCount)
        return report
    }

    /// Reports with the devices that changed, as many as it takes; at least one, which shows the worker's own speeds.
    mutating func reports(_ machine: WorkerMachine, _ common: Body.QueueReport) -> [Body.QueueReport] {
        var changed: [Body.DeviceQueue] = []
        for number in machine.numbers.values.sorted() {
            let queue = machine.queue(of: number)
            if told.updateValue(queue, forKey: number) != queue { changed.append(queue) }
        }
        return stride(from: 0, to: max(1, changed.count), by: Body.QueueReport.mostDevices).map { start in
            var report = common
            report.devices = Array(changed.dropFirst(start).prefix(Body.QueueReport.mostDevices))
            return report
        }
    }

    /// Who computed how much of the steps, when others did any.
    func shares(_ counts: (all: Int, replicas: [String: Int]), of worker: String) -> [Body.WorkerShare] {
        guard !counts.replicas.isEmpty else { return [] }
        let own = max(0, counts.all - counts.replicas.values.reduce(0, +))
        return [Body.WorkerShare(worker: worker, microBatches: UInt64(own))]
            + counts.replicas.sorted { $0.key < $1.key }.map { .init(worker: $0, microBatches: UInt64($1)) }
    }

    /// Counters that have changed since they were last written to the store.
    mutating func countersToKeep(_ machine: WorkerMachine) -> [(device: UInt32, counters: StoreCounters)] {
        machine.numbers.values.sorted().compactMap { device in
            let counters = machine.ingress.counts(of: device).counters
            guard counters != kept[device] ?? StoreCounters() else { return nil }
            kept[device] = counters
            return (device, counters)
        }
    }
}

extension WorkerMachine {
    /// How one device's messages stand.
    func queue(of device: UInt32) -> Body.DeviceQueue {
        let totals = book.totals(of: device), counts = ingress.counts(of: device)
        return Body.DeviceQueue(
            device: name(of: device) ?? "", samples: UInt64(totals.samples), messages: UInt64(totals.messages),
            bytes: UInt64(totals.bytes), pendingBytes: UInt64(ledger.heldBytes(of: device)),
            creditBytes: UInt64(ledger.grantedBytes(to: device)), duplicates: counts.counters.duplicates,
            redelivered: counts.counters.redelivered, dead: UInt64(counts.dead))
    }
}
