import HeapModule

/// Events in the order of their times; ties go in the order of scheduling, so that a run never depends on chance.
public struct EventQueue<Event: Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        let time: Double
        let number: Int
        let event: Event

        static func < (a: Self, b: Self) -> Bool { (a.time, a.number) < (b.time, b.number) }
        static func == (a: Self, b: Self) -> Bool { a.number == b.number }
    }

    private var entries = Heap<Entry>()
    private var scheduled = 0

    /// An empty queue.
    public init() {}

    /// Adds an event.
    ///
    /// - Parameter time: a number; an event at infinity comes after all others.
    public mutating func schedule(_ event: Event, at time: Double) {
        precondition(!time.isNaN, "an event has a time")
        scheduled += 1
        entries.insert(Entry(time: time, number: scheduled, event: event))
    }

    /// Takes the earliest event, nil when there is none.
    public mutating func next() -> (time: Double, event: Event)? {
        entries.popMin().map { ($0.time, $0.event) }
    }
}
