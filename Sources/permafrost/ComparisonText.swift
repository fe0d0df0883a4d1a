import Experiments
import Runs

/// Shows a comparison: where it stands, a line for each run that has ended, and its tables.
struct ComparisonText {
    private let console: Console

    init(_ console: Console) { self.console = console }

    func show(_ event: ComparisonEvent) {
        switch event {
        case .began(let folder, let done, let count):
            console.line("folder    \(folder)")
            console.line("runs      \(Figures.count(count))" + (done > 0 ? ", of which \(done) have ended before" : ""))
        case .running(let progress):
            var parts = ["run \(progress.done + 1)/\(progress.count)", Self.name(progress.job)]
            if let point = progress.point { parts.append("acc \(Figures.decimal(point.accuracy, 3))") }
            if let seconds = progress.secondsLeft { parts.append("left \(Figures.duration(seconds))") }
            console.status(parts.joined(separator: "  "))
        case .ended(let record, let done, let count):
            let outcome = record.result?.points.last.map { last in
                "acc \(Figures.decimal(last.accuracy, 3))  loss \(Figures.decimal(last.loss, 3))  "
                    + "\(Quantity.time(last.simulatedSeconds)) simulated"
            }
            console.line(
                "run \(done)/\(count)  \(Self.name(record.job))  \(outcome ?? "diverged")  "
                    + "(\(Figures.duration(record.seconds)))")
        }
    }

    /// A table for each imbalance.
    static func tables(_ comparison: Comparison) -> [String] {
        comparison.plan.imbalances.flatMap { imbalance in
            let rows = comparison.rows(imbalance)
            let majority = rows.first.map { "  (most frequent class \(Quantity.percent($0.majorityRate)))" } ?? ""
            return ["", imbalance + majority] + table(rows)
        }
    }

    private static func table(_ rows: [ComparisonRow]) -> [String] {
        var table = TextTable([
            ("METHOD", .left), ("ACCURACY %", .left), ("\(Comparison.subject.uppercased()) AHEAD", .right),
            ("GAIN", .right),
            ("TIME (SIMULATED)", .right), ("BYTES", .right), ("DEVICE FLOP", .right), ("RATE", .right),
        ])
        for row in rows {
            table.add([
                row.method + (row.diverged > 0 ? " (\(row.diverged) diverged)" : ""),
                Quantity.percentages(row.accuracy),
                row.subjectPoints.map { "\(Quantity.signed($0)) points" } ?? "",
                row.subjectGain.map { "\(Quantity.signed(100 * $0)) %" } ?? "", Quantity.time(row.simulatedSeconds),
                Quantity.text(row.bytesUp + row.bytesDown, "B"), Quantity.text(row.deviceFLOPs, ""),
                "\(row.learningRate)",
            ])
        }
        return table.lines
    }

    private static func name(_ job: ExperimentJob) -> String {
        "\(job.key.method)  \(job.key.imbalance)  seed \(job.key.seed)  lr \(job.learningRate)"
    }
}
