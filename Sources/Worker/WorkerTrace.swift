import Diagnostics
import Queueing

/// What a worker's loop traces: messages on their way, and steps that wait for samples.
struct WorkerTrace {
    private let tracer: Tracer
    private var wait = TracedWait("no samples for a step", row: "samples")
    private var queueDepth: Int?

    init(_ tracer: Tracer) { self.tracer = tracer }

    /// A message was checked, and is to be stored unless it was refused.
    func received(_ delivery: WorkerMachine.Delivery, from start: ContinuousClock.Instant, isRefused: Bool) {
        tracer.span(
            isRefused ? "refused" : "received", row: "from \(delivery.sender)", from: start,
            [
                "sequence": .number(Int(clamping: delivery.part.sequence)), "part": .number(Int(delivery.part.part)),
                "bytes": .number(Int(clamping: delivery.activations.payloadBytes)),
                "samples": .number(delivery.activations.sampleIDs.count), "cut": .number(Int(delivery.activations.cut)),
            ])
    }

    /// A message is stored.
    func stored(_ part: MessagePart, from sender: String) {
        moment("stored", sender, sequence: part.sequence, part: part.part)
    }

    /// A message was acknowledged.
    func acknowledged(sequence: UInt64, part: UInt32, to sender: String) {
        moment("acknowledged", sender, sequence: sequence, part: part)
    }

    /// What has happened may have changed whether a step waits, and how many samples do.
    mutating func looked(isWaiting: Bool, queueDepth: Int) {
        wait.update(isWaiting, tracer)
        guard queueDepth != self.queueDepth else { return }
        self.queueDepth = queueDepth
        tracer.count("queue", ["samples": .number(queueDepth)])
    }

    private func moment(_ name: String, _ sender: String, sequence: UInt64, part: UInt32) {
        tracer.moment(
            name, row: "from \(sender)",
            ["sequence": .number(Int(clamping: sequence)), "part": .number(Int(part))])
    }
}
