/// A cost that accuracy is drawn over.
struct CostAxis: Sendable {
    let title: String
    let value: @Sendable (ExperimentResult.Point) -> Double
    let text: @Sendable (Double) -> String
    /// What stands beside a logarithmic axis where powers of ten would not be round.
    var marks: [Double] = []

    static let all = [
        CostAxis(
            title: "simulated time", value: { $0.simulatedSeconds }, text: { Quantity.time($0) },
            marks: [1, 10, 60, 600, 3600, 36_000, 10 * 86_400, 100 * 86_400]),
        CostAxis(
            title: "bytes up and down", value: { Double($0.bytesUp + $0.bytesDown) }, text: { Quantity.text($0, "B") }),
        CostAxis(title: "operations on devices", value: { $0.deviceFLOPs }, text: { Quantity.text($0, "FLOP") }),
    ]
}

extension Comparison {
    /// How a method looks.
    func style(_ method: String) -> LineStyle {
        LineStyle(method: method, place: methods.firstIndex(of: method) ?? 0)
    }

    /// The share of the most frequent class of the evaluation set.
    var majorityRate: Double? { records.values.lazy.compactMap(\.result).first?.majorityRate }

    /// Accuracy over a cost: both means over the seeds, evaluation by evaluation.
    func curve(_ method: String, _ imbalance: String, over cost: CostAxis) -> LinePanel.Series {
        let runs = results(method, imbalance).map(\.points)
        let count = runs.map(\.count).min() ?? 0
        let points = (0..<count).compactMap { place in
            Spread(runs.map { $0[place].accuracy }).map { accuracy in
                LinePanel.Series.Point(
                    x: runs.reduce(0) { $0 + cost.value($1[place]) } / Double(runs.count), y: accuracy)
            }
        }
        return .init(label: method, style: style(method), points: points)
    }

    /// The panels of one cost, an imbalance each, with the same scales.
    func panels(over cost: CostAxis) -> [LinePanel] {
        let curves = plan.imbalances.map { imbalance in methods.map { curve($0, imbalance, over: cost) } }
        let scale = AxisScale(spanning: curves.joined().flatMap { $0.points.map(\.x) }, marks: cost.marks)
        let accuracies = accuracyScale
        return zip(plan.imbalances, curves).map { imbalance, series in
            LinePanel(
                title: Self.words(imbalance), xTitle: cost.title, series: series, majority: majorityRate, x: scale,
                y: accuracies, xText: cost.text)
        }
    }

    /// Accuracies at the end.
    var endPanels: [DotPanel] {
        let scale = accuracyScale
        return plan.imbalances.map { imbalance in
            DotPanel(
                title: Self.words(imbalance),
                rows: methods.map { method in
                    .init(
                        label: method, style: style(method),
                        values: results(method, imbalance).compactMap(\.points.last?.accuracy),
                        otherwise: records(method, imbalance).isEmpty ? "–" : "diverged")
                }, majority: majorityRate, scale: scale)
        }
    }

    /// Accuracy over learning rate; nil where nothing was swept.
    var sweepPanel: LinePanel? {
        let swept = plan.methods.filter(\.isSwept)
        guard !swept.isEmpty else { return nil }
        let series = swept.map { method in
            let chosen = plan.chosenRate(of: method, in: records)
            let points = sweep(of: method).compactMap { record -> LinePanel.Series.Point? in
                guard let last = record.result?.points.last, let accuracy = Spread([last.accuracy]) else { return nil }
                return .init(x: record.job.learningRate, y: accuracy, isChosen: record.job.learningRate == chosen)
            }
            return LinePanel.Series(label: method.name, style: style(method.name), points: points)
        }
        return LinePanel(
            title: "\(Self.words(ComparisonPlan.sweepImbalance)), seed \(plan.seeds.first ?? 0)",
            xTitle: "learning rate", series: series, majority: majorityRate,
            x: AxisScale(of: swept.flatMap(\.rates)), y: Self.scale(series.flatMap { $0.points.map(\.y.mean) }),
            xText: { "\($0)" })
    }

    /// The sweep's runs of a method, by ascending rate.
    func sweep(of method: ComparisonPlan.Method) -> [ExperimentRecord] {
        plan.sweep.filter { $0.key.method == method.name }.compactMap { records[$0] }
            .sorted { $0.job.learningRate < $1.job.learningRate }
    }

    /// An imbalance as a heading has it.
    static func words(_ imbalance: String) -> String {
        switch imbalance {
        case "iid": "Labels alike everywhere (iid)"
        case "one-label-per-device": "One label per device"
        default: imbalance.replacing("dirichlet(", with: "Dirichlet(")
        }
    }

    /// All accuracies and the majority's share.
    private var accuracyScale: AxisScale {
        Self.scale(
            records.values.compactMap(\.result).flatMap { run in run.points.map(\.accuracy) + [run.majorityRate] })
    }

    private static func scale(_ values: [Double]) -> AxisScale {
        AxisScale(from: max(0, (values.min() ?? 0) - 0.01), to: min(1, (values.max() ?? 1) + 0.005), steps: 4)
    }
}
