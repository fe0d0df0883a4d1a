import Diagnostics
import Methods
import Queueing
import Wire

/// What the loops of a method's programs trace: what was computed, messages on their way, and waits for the other side.
struct ProgramTrace {
    private let tracer: Tracer
    private var wait: TracedWait

    /// - Parameter missing: what a wait is called.
    init(_ tracer: Tracer, missing: String) {
        self.tracer = tracer
        wait = TracedWait(missing, row: "waits")
    }

    /// A program has handled an event.
    ///
    /// - Parameter seconds: that it took, with those by which a weaker device was simulated.
    func computed(_ work: [MethodWork], from start: ContinuousClock.Instant, seconds: Double) {
        guard !work.isEmpty else { return }
        let first = work.first { !$0.blocks.isEmpty }?.kind
        let passes = work.filter { $0.kind == first }
        tracer.span(
            Self.name(work), row: "compute", from: start, to: start + .seconds(seconds),
            [
                "passes": .number(passes.count), "tokens": .number(passes.reduce(0) { $0 + $1.lengths.reduce(0, +) }),
                "blocks": .number(passes.first?.blocks.count ?? 0),
            ])
    }

    /// A part of a message was given to the socket.
    func sent(_ part: Body.MethodPart, bytes: Int, attempt: UInt32, row: String) {
        tracer.moment(
            "sent", row: row,
            [
                "message": .number(Int(clamping: part.place.number)), "part": .number(Int(part.place.part)),
                "bytes": .number(bytes), "attempt": .number(Int(attempt)),
            ])
    }

    /// The other side has everything before a place.
    func acknowledged(before place: Body.MethodPlace, row: String) {
        tracer.moment(
            "acknowledged", row: row,
            ["message": .number(Int(clamping: place.number)), "part": .number(Int(place.part))])
    }

    /// A message has arrived as a whole.
    func received(_ message: ReceivedMethodMessage, row: String) {
        tracer.moment(
            "received", row: row,
            [
                "kind": .text(MethodMessage.Kind(number: message.content.kind)?.rawValue ?? ""),
                "step": .number(Int(message.content.step)),
                "bytes": .number(message.payloads.reduce(0) { $0 + $1.count }),
            ])
    }

    /// What has happened may have changed whether there is nothing to do.
    mutating func looked(isWaiting: Bool) { wait.update(isWaiting, tracer) }

    /// The kinds of work in the order in which they came: a round has them again and again.
    private static func name(_ work: [MethodWork]) -> String {
        var names: [String] = []
        for name in work.map(\.kind.traced) where !names.contains(name) { names.append(name) }
        return names.joined(separator: ", ")
    }
}

extension MethodWork.Kind {
    fileprivate var traced: String {
        switch self {
        case .forward: "F"
        case .backward: "B+W"
        case .perturbation: "probe"
        case .update: "optimizer step"
        }
    }
}
