import Metrics
import Synchronization

/// One figure of a registry, whatever its kind.
final class MetricCell: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    private struct State {
        /// Of a counter or gauge; of a histogram the sum.
        var value = 0.0
        /// Of a histogram, with the bucket for the rest.
        var counts: [Int] = []
    }

    private let bounds: [Double]?
    private let state: Mutex<State>

    init(_ kind: MetricKind) {
        var initial = State()
        if case .histogram(let bounds) = kind {
            self.bounds = bounds
            initial.counts = Array(repeating: 0, count: bounds.count + 1)
        } else {
            bounds = nil
        }
        state = Mutex(initial)
    }

    /// The figure as it is now.
    var value: MetricFamily.Value {
        state.withLock { bounds == nil ? .number($0.value) : .observations(counts: $0.counts, sum: $0.value) }
    }

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) { state.withLock { $0.value += amount } }

    func decrement(by amount: Double) { increment(by: -amount) }

    func reset() { set(0.0) }

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) { state.withLock { $0.value = value } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard let bounds else { return set(value) }
        // An observation that is no number belongs into no bucket.
        guard !value.isNaN else { return }
        state.withLock { state in
            state.counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            state.value += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
