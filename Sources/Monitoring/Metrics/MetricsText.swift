/// How figures are written for whoever scrapes them.
public enum MetricsText: Sendable, CaseIterable {
    /// OpenMetrics 1.0, which ends with `# EOF`.
    case openMetrics
    /// The older text format of Prometheus, version 0.0.4.
    case plain

    /// The one that a request's `Accept` asks for: OpenMetrics, unless it names plain text alone.
    public init(accept: String?) {
        let accept = accept?.lowercased() ?? ""
        self = accept.contains("text/plain") && !accept.contains("openmetrics") ? .plain : .openMetrics
    }

    /// The type of the content.
    public var contentType: String {
        switch self {
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .plain: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    /// Writes figures.
    public func text(_ families: [MetricFamily]) -> String {
        families.map(text).joined() + (self == .openMetrics ? "# EOF\n" : "")
    }

    private func text(_ family: MetricFamily) -> String {
        let name = name(family.description)
        var lines = [
            "# HELP \(name) \(Self.escaped(family.description.help, quotes: self == .openMetrics))",
            "# TYPE \(name) \(family.description.kind.name)",
        ]
        for sample in family.samples { lines += self.lines(sample, family.description) }
        return lines.map { $0 + "\n" }.joined()
    }

    /// In OpenMetrics a counter's name is that of its figures without their ending.
    private func name(_ description: MetricDescription) -> String {
        let ending = "_total"
        guard self == .openMetrics, description.kind == .counter, description.name.hasSuffix(ending) else {
            return description.name
        }
        return String(description.name.dropLast(ending.count))
    }

    private func lines(_ sample: MetricFamily.Sample, _ description: MetricDescription) -> [String] {
        switch sample.value {
        case .number(let value): return ["\(description.name)\(Self.text(sample.labels)) \(Self.text(value))"]
        case .observations(let counts, let sum):
            guard case .histogram(let bounds) = description.kind else { return [] }
            var below = 0
            var lines: [String] = []
            for (bound, count) in zip(bounds + [.infinity], counts) {
                below += count
                let labels = sample.labels + [.init("le", Self.text(bound))]
                lines.append("\(description.name)_bucket\(Self.text(labels)) \(below)")
            }
            let labels = Self.text(sample.labels)
            return lines + [
                "\(description.name)_sum\(labels) \(Self.text(sum))", "\(description.name)_count\(labels) \(below)",
            ]
        }
    }

    private static func text(_ labels: [MetricFamily.Label]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        guard value.isFinite else { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        let text = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? text.replacing("\"", with: "\\\"") : text
    }
}
