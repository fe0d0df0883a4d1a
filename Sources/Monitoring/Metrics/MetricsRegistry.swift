import Metrics
import Synchronization

/// The figures of a role: a backend of swift-metrics that keeps what it is told until somebody asks.
///
/// A metric that is not described is counted by nobody and shown to nobody.
public final class MetricsRegistry: MetricsFactory {
    private struct Key: Hashable {
        let name: String
        let labels: [MetricFamily.Label]
    }

    /// In the order in which they are shown.
    private let descriptions: [MetricDescription]
    private let kinds: [String: MetricKind]
    private let cells = Mutex<[Key: MetricCell]>([:])

    /// A registry of described metrics.
    public init(_ descriptions: [MetricDescription]) {
        self.descriptions = descriptions
        kinds = Dictionary(descriptions.map { ($0.name, $0.kind) }) { first, _ in first }
    }

    /// All figures as they are now, metric by metric; those of which nothing was told are left out.
    public var families: [MetricFamily] {
        let cells = cells.withLock { $0 }
        let byName = Dictionary(grouping: cells) { $0.key.name }
        return descriptions.compactMap { description in
            byName[description.name].map { cells in
                MetricFamily(
                    description,
                    cells.sorted { $0.key.labels.lexicographicallyPrecedes($1.key.labels) }
                        .map { .init($0.key.labels, $0.value.value) })
            }
        }
    }

    private func cell(_ name: String, _ dimensions: [(String, String)]) -> MetricCell {
        guard let kind = kinds[name] else { return MetricCell(.gauge) }
        let key = Key(name: name, labels: dimensions.map { .init($0.0, $0.1) }.sorted())
        return cells.withLock { cells in
            if let cell = cells[key] { return cell }
            let cell = MetricCell(kind)
            cells[key] = cell
            return cell
        }
    }

    /// A counter of whole numbers.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        cell(label, dimensions)
    }

    /// A counter.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { cell(label, dimensions) }

    /// A gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { cell(label, dimensions) }

    /// A histogram, or a gauge.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        cell(label, dimensions)
    }

    /// A histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { cell(label, dimensions) }

    /// Nothing is destroyed: what was counted stays counted.
    public func destroyCounter(_ handler: any CounterHandler) {}

    /// Nothing is destroyed: what was counted stays counted.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}

    /// Nothing is destroyed: what was counted stays counted.
    public func destroyMeter(_ handler: any MeterHandler) {}

    /// Nothing is destroyed: what was counted stays counted.
    public func destroyRecorder(_ handler: any RecorderHandler) {}

    /// Nothing is destroyed: what was counted stays counted.
    public func destroyTimer(_ handler: any TimerHandler) {}
}
