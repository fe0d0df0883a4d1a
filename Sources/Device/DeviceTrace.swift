import Diagnostics
import Queueing
import Wire

/// What a device's loop traces: computations, messages on their way, and waits for credit.
struct DeviceTrace {
    private let tracer: Tracer
    private var wait = TracedWait("no credit", row: "credit")
    private var creditBytes: Int?

    init(_ tracer: Tracer) { self.tracer = tracer }

    /// A group was computed.
    func computed(_ result: ComputeJob.Result, _ pace: DevicePace) {
        tracer.span(
            "F0", row: "compute", from: result.began, to: result.began + result.duration(at: pace),
            [
                "sequence": .number(Int(clamping: result.group.sequence)), "tokens": .number(result.message.shape.rows),
                "cut": .number(result.cut),
            ])
    }

    /// A part of a message was given to the socket.
    func sent(_ sending: PublishWindow.Sending) {
        tracer.moment(
            "sent", row: "messages",
            [
                "sequence": .number(Int(clamping: sending.part.sequence)), "part": .number(Int(sending.part.index)),
                "bytes": .number(sending.bytes), "attempt": .number(Int(sending.attempt)),
            ])
    }

    /// The worker has stored a part.
    func acknowledged(_ ack: Body.Ack) {
        tracer.moment(
            "acknowledged", row: "messages",
            ["sequence": .number(Int(clamping: ack.sequence)), "part": .number(Int(ack.part))])
    }

    /// What has happened may have changed the credit, and whether the device waits for some.
    mutating func looked(isWaiting: Bool, creditBytes: Int) {
        wait.update(isWaiting, tracer)
        guard creditBytes != self.creditBytes else { return }
        self.creditBytes = creditBytes
        tracer.count("credit", ["bytes": .number(creditBytes)])
    }
}
