import Diagnostics
import Ledger
import Wire

// What workers tell of what waits, and of what their stages did: for whoever looks, and for no decision.
extension CoordinatorMachine {
    /// Codecs of which a worker may tell.
    private static let mostCodecs = 16

    /// Records what has changed. A worker reports about once a second, and so often this is written at most.
    mutating func followQueue(_ report: Body.QueueReport, of worker: String) {
        let age = report.oldestAgeSeconds
        let queue = QueueRecord(
            run: settings.run, worker: worker, messages: Int(clamping: report.queuedMessages),
            bytes: Int(clamping: report.storeBytes), capacityBytes: Int(clamping: report.storeCapacity),
            isFull: report.isFull, oldestAgeSeconds: age.isFinite ? max(0, age) : 0,
            receivedBytes: Int(clamping: report.bytesReceived), sentBytes: Int(clamping: report.bytesSent),
            codecBytes: Dictionary(
                report.codecBytes.prefix(Self.mostCodecs).map { ("\($0.codec)", Int(clamping: $0.bytes)) }
            ) { $1 })
        if queues.updateValue(queue, forKey: worker) != queue { record(.queue(queue)) }
        guard let newest = report.newestStep, newest.isPlausible,
            newestSteps.updateValue(newest, forKey: worker) != newest
        else { return }
        record(
            .stages(
                newest.stages.map {
                    StageRecord(
                        run: settings.run, worker: worker, stage: $0.stage, step: newest.step,
                        operations: $0.operations)
                }))
    }
}
