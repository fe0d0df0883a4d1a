import Metrics
import Testing

@testable import Monitoring

@Suite("Metrics as text")
struct MetricsTextTests {
    private static let descriptions = [
        MetricDescription("app_build_info", .gauge, "Always 1"),
        MetricDescription("app_samples_total", .counter, "Samples \\ of\nall"),
        MetricDescription("app_step_seconds", .histogram(bounds: [0.1, 1]), "What steps took"),
        MetricDescription("app_untold", .gauge, "Nobody has told it"),
    ]

    private static func registry() -> MetricsRegistry {
        let registry = MetricsRegistry(descriptions)
        Meter(label: "app_build_info", dimensions: [("version", "1.0 \"x\"\n\\")], factory: registry).set(1)
        Counter(label: "app_samples_total", dimensions: [], factory: registry).increment(by: 5)
        Counter(label: "app_samples_total", dimensions: [], factory: registry).increment(by: 2)
        let steps = Recorder(label: "app_step_seconds", dimensions: [("op", "F")], aggregate: true, factory: registry)
        for seconds in [0.1, 0.5, 3] { steps.record(seconds) }
        steps.record(Double.nan)
        Counter(label: "app_unknown_total", dimensions: [], factory: registry).increment(by: 1)
        return registry
    }

    @Test("OpenMetrics: a counter's family has no ending, buckets add up, and the end is marked")
    func openMetrics() {
        let expected = """
            # HELP app_build_info Always 1
            # TYPE app_build_info gauge
            app_build_info{version="1.0 \\"x\\"\\n\\\\"} 1.0
            # HELP app_samples Samples \\\\ of\\nall
            # TYPE app_samples counter
            app_samples_total 7.0
            # HELP app_step_seconds What steps took
            # TYPE app_step_seconds histogram
            app_step_seconds_bucket{op="F",le="0.1"} 1
            app_step_seconds_bucket{op="F",le="1.0"} 2
            app_step_seconds_bucket{op="F",le="+Inf"} 3
            app_step_seconds_sum{op="F"} 3.6
            app_step_seconds_count{op="F"} 3
            # EOF

            """
        #expect(MetricsText.openMetrics.text(Self.registry().families) == expected)
    }

    @Test("the older text names a counter as its figures, and has no mark at the end")
    func plain() {
        let text = MetricsText.plain.text(Self.registry().families)
        #expect(text.contains("# TYPE app_samples_total counter\napp_samples_total 7.0\n"))
        #expect(!text.contains("EOF"))
    }

    @Test(
        "the form follows what the client takes",
        arguments: [
            (nil, MetricsText.openMetrics), ("*/*", .openMetrics), ("text/plain", .plain),
            ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", .openMetrics),
        ] as [(String?, MetricsText)])
    func accepted(accept: String?, form: MetricsText) { #expect(MetricsText(accept: accept) == form) }

    @Test("a gauge shows what it was set to last, a timer seconds")
    func kinds() {
        let registry = MetricsRegistry([
            MetricDescription("level", .gauge, "A level"),
            MetricDescription("time_seconds", .histogram(bounds: [1]), "Times"),
        ])
        Gauge(label: "level", dimensions: [], factory: registry).record(3)
        Gauge(label: "level", dimensions: [], factory: registry).record(2)
        Timer(label: "time_seconds", dimensions: [], factory: registry).recordMilliseconds(1500)
        #expect(
            registry.families.map(\.samples) == [
                [.init([], .number(2))], [.init([], .observations(counts: [0, 1], sum: 1.5))],
            ])
    }
}
