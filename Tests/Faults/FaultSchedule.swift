import Queueing
import Randomness

/// Decides what becomes of each message of one direction: a pure function of seed, faults and the order of calls.
struct FaultSchedule {
    private(set) var counts = MessageFaultCounts()
    private var generator: SeededGenerator
    private var blockedUntil = Duration.zero

    init(seed: UInt64, stream: String) { generator = SeededGenerator(seed: seed, stream: stream) }

    /// When the message goes out: at no time, once, or more often.
    mutating func times(_ faults: MessageFaults, now: Duration) -> [Duration] {
        counts.received += 1
        // Every decision draws, so that one probability does not change what another one does.
        let draws = (0..<5).map { _ in generator.uniform() }
        if draws[0] < faults.drop {
            counts.dropped += 1
            return []
        }
        let wait = faults.longestWait * draws[4]
        var due = max(now, blockedUntil)
        if draws[1] < faults.delay {
            counts.delayed += 1
            due += wait
            blockedUntil = due
        }
        if draws[2] < faults.reorder {
            counts.reordered += 1
            due += wait
        }
        guard draws[3] < faults.duplicate else { return [due] }
        counts.duplicated += 1
        return [due, due]
    }
}
