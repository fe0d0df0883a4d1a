import Diagnostics
import Metrics
import Monitoring
import Synchronization

/// The metrics of one role, told through swift-metrics.
final class RoleMetrics: Sendable {
    private let registry = MetricsRegistry(MetricCatalogue.all)
    /// How far counters have come whose figures are told as a whole.
    private let counted = Mutex<[String: Double]>([:])

    init(role: String) {
        set("build_info", 1, ["version": permafrostVersion, "role": role])
        // A counter that begins with the first error has not grown by it, and no alert fires.
        for code in ExitCode.allCases where code != .success { count(code, 0) }
    }

    /// All figures as they are now.
    var families: [MetricFamily] { registry.families }

    /// Sets a gauge; one that is not known stays as it was.
    func set(_ name: String, _ value: Double?, _ labels: KeyValuePairs<String, String> = [:]) {
        guard let value else { return }
        Meter(label: full(name), dimensions: dimensions(labels), factory: registry).set(value)
    }

    /// Adds to a counter.
    func add(_ name: String, _ amount: Int = 1, _ labels: KeyValuePairs<String, String> = [:]) {
        Counter(label: full(name), dimensions: dimensions(labels), factory: registry).increment(by: amount)
    }

    /// Brings a counter to a figure that somebody else counts. A smaller one is that of somebody who began anew.
    func raise(_ name: String, to total: Int, _ labels: KeyValuePairs<String, String> = [:]) {
        let key = name + labels.map { " \($0)=\($1)" }.joined()
        let amount = counted.withLock { counted in
            let before = counted.updateValue(Double(total), forKey: key) ?? 0
            return Double(total) < before ? Double(total) : Double(total) - before
        }
        FloatingPointCounter(label: full(name), dimensions: dimensions(labels), factory: registry).increment(by: amount)
    }

    /// Adds an observation to a histogram.
    func observe(_ name: String, _ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
        Recorder(label: full(name), dimensions: dimensions(labels), aggregate: true, factory: registry).record(value)
    }

    /// Counts errors.
    func count(_ code: ExitCode, _ times: Int = 1) { add("errors_total", times, ["code": "\(code.rawValue)"]) }

    private func full(_ name: String) -> String {
        let name = "permafrost_\(name)"
        assert(MetricCatalogue.all.contains { $0.name == name }, "\(name) is not in the catalogue")
        return name
    }

    private func dimensions(_ labels: KeyValuePairs<String, String>) -> [(String, String)] {
        labels.map { ($0.key, $0.value) }
    }
}
