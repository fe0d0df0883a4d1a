import Synchronization

/// What a role adds to a trace: spans, moments and counters, each on a row of its own part of the picture.
///
/// A role that is not traced has none, and pays for a look at nil.
public struct Tracer: Sendable {
    let trace: Trace
    let role: Int

    /// Something that took time. Spans of a row lie within each other or apart.
    public func span(
        _ name: String, row: String, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant = .now,
        _ arguments: KeyValuePairs<String, TraceValue> = [:]
    ) {
        trace.add(
            TraceEvent(kind: .span(end - start), name: name, role: role, time: start, arguments: arguments), row: row)
    }

    /// Something that happened.
    public func moment(
        _ name: String, row: String, at time: ContinuousClock.Instant = .now,
        _ arguments: KeyValuePairs<String, TraceValue> = [:]
    ) {
        trace.add(TraceEvent(kind: .moment, name: name, role: role, time: time, arguments: arguments), row: row)
    }

    /// Numbers that hold from now on, drawn as an area.
    public func count(
        _ name: String, at time: ContinuousClock.Instant = .now, _ values: KeyValuePairs<String, TraceValue>
    ) {
        trace.add(TraceEvent(kind: .counter, name: name, role: role, time: time, arguments: values))
    }
}

/// Rows for spans that overlap: each has the first one that is free.
public final class TracedLanes: Sendable {
    fileprivate let tracer: Tracer
    fileprivate let name: String
    fileprivate let taken = Mutex<Set<Int>>([])

    /// Rows called `name` and a number.
    public init(_ tracer: Tracer, name: String) {
        self.tracer = tracer
        self.name = name
    }

    /// Takes a row until `end`.
    public func take() -> Lane {
        let number = taken.withLock { taken in
            let number = (1...taken.count + 1).first { !taken.contains($0) } ?? 0
            taken.insert(number)
            return number
        }
        return Lane(lanes: self, number: number, start: .now)
    }

    /// A span under way.
    public struct Lane: Sendable {
        fileprivate let lanes: TracedLanes
        fileprivate let number: Int
        fileprivate let start: ContinuousClock.Instant

        /// Writes the span, and gives the row back.
        public func end(_ arguments: KeyValuePairs<String, TraceValue> = [:]) {
            lanes.tracer.span(lanes.name, row: "\(lanes.name) \(number)", from: start, arguments)
            lanes.taken.withLock { _ = $0.remove(number) }
        }
    }
}

/// A value beside an event.
public enum TraceValue: Sendable, Equatable {
    case number(Int)
    case real(Double)
    case text(String)
}

/// A span that is open while a condition holds: a role that waits.
public struct TracedWait: Sendable {
    private let name: String
    private let row: String
    private var since: ContinuousClock.Instant?

    /// Nobody waits yet.
    public init(_ name: String, row: String) {
        self.name = name
        self.row = row
    }

    /// Writes the span once the wait is over.
    public mutating func update(_ isWaiting: Bool, _ tracer: Tracer, now: ContinuousClock.Instant = .now) {
        if !isWaiting, let since { tracer.span(name, row: row, from: since, to: now) }
        since = isWaiting ? since ?? now : nil
    }
}
