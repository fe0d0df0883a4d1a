import Diagnostics
import Ledger
import Wire

// What workers tell of what waits, and of what their stages did: for whoever looks, and for no decision.
extension CoordinatorMachine {
    /// Codecs of which a worker may tell.
    private static let mostCodecs = 16

    /// Notes what has changed, to be recorded with the other live figures.
    mutating func followQueue(_ report: Body.QueueReport, of worker: String) {
        let age = report.oldestAgeSeconds
        let queue = QueueRecord(
            run: settings.run, worker: worker, messages: Int(told: report.queuedMessages),
            bytes: Int(told: report.storeBytes), capacityBytes: Int(told: report.storeCapacity),
            isFull: report.isFull, oldestAgeSeconds: age.isFinite ? max(0, age) : 0,
            receivedBytes: Int(told: report.bytesReceived), sentBytes: Int(told: report.bytesSent),
            codecBytes: Dictionary(
                report.codecBytes.prefix(Self.mostCodecs).map { ("\($0.codec)", Int(told: $0.bytes)) }
            ) { $1 })
        if queues.updateValue(queue, forKey: worker) != queue { queueNews.insert(worker) }
        guard let newest = report.newestStep, newest.isPlausible else { return }
        if newestSteps.updateValue(newest, forKey: worker) != newest { stepNews.insert(worker) }
    }

    /// Records what was noted since the last time.
    mutating func recordQueues() {
        for worker in queueNews.sorted() { if let queue = queues[worker] { record(.queue(queue)) } }
        for worker in stepNews.sorted() {
            guard let newest = newestSteps[worker] else { continue }
            record(
                .stages(
                    newest.stages.map {
                        StageRecord(
                            run: settings.run, worker: worker, stage: $0.stage, step: newest.step,
                            operations: $0.operations)
                    }))
        }
        (queueNews, stepNews) = ([], [])
    }
}
