extension Comparison {
    /// The table of an imbalance; nil where no run has come to its end.
    func table(_ imbalance: String) -> Markup? {
        let rows = rows(imbalance)
        guard !rows.isEmpty else { return nil }
        let hasEnergy = rows.contains { $0.joules != nil }
        let columns =
            [
                "Method", "Accuracy, %", "\(Self.subject) ahead by", "gain", "Time, simulated", "Bytes up",
                "Bytes down",
                "Device FLOP", "Server FLOP", "Device memory",
            ] + (hasEnergy ? ["Energy, simulated"] : []) + ["Loss", "Learning rate"]
        let body = rows.map { row -> [String] in
            let name = row.method + (row.diverged > 0 ? " (\(row.diverged) diverged)" : "")
            let ahead = row.subjectPoints.map { "\(Quantity.signed($0)) points" } ?? ""
            let gain = row.subjectGain.map { "\(Quantity.signed(100 * $0)) %" } ?? ""
            let bytes = [row.bytesUp, row.bytesDown, Double(row.deviceMemoryBytes)].map { Quantity.text($0, "B") }
            let work = [row.deviceFLOPs, row.serverFLOPs].map { Quantity.text($0, "") }
            let energy = hasEnergy ? [row.joules.map { Quantity.text($0, "J") } ?? "–"] : []
            return [name, Quantity.percentages(row.accuracy), ahead, gain, Quantity.time(row.simulatedSeconds)]
                + bytes[..<2] + work + bytes[2...] + energy
                + [Quantity.digits(row.loss.mean), "\(row.learningRate)"]
        }
        let caption =
            "\(Self.words(imbalance)). "
            + (plan.seeds.count == 1 ? "One seed" : "Mean ± standard deviation over \(plan.seeds.count) seeds")
            + (majorityRate.map { "; always naming the most frequent class: \(Quantity.percent($0))." } ?? ".")
        return Self.table(caption, columns, body, marked: rows.firstIndex { $0.method == Self.subject })
    }

    /// The subject against each other method, where labels are most skewed; nil where it was not compared.
    var againstTable: Markup? {
        guard let imbalance = plan.imbalances.last,
            let subject = rows(imbalance).first(where: { $0.method == Self.subject })
        else { return nil }
        let relative = { (own: Double, other: Double) in
            other > 0 ? "\(Quantity.signed(100 * (own / other - 1))) %" : "–"
        }
        let others = rows(imbalance).filter { $0.method != Self.subject && $0.method != "central" }
        guard !others.isEmpty else { return nil }
        let body = others.map { row in
            [
                row.method, "\(Quantity.signed(row.subjectPoints ?? 0)) points",
                row.subjectGain.map { "\(Quantity.signed(100 * $0)) %" } ?? "–",
                relative(subject.deviceFLOPs, row.deviceFLOPs),
                relative(subject.simulatedSeconds, row.simulatedSeconds),
                relative(subject.bytesUp + subject.bytesDown, row.bytesUp + row.bytesDown),
                relative(Double(subject.deviceMemoryBytes), Double(row.deviceMemoryBytes)),
            ]
        }
        return Self.table(
            "\(Self.subject) against each other method. \(Self.words(imbalance)): "
                + "\(Quantity.percentages(subject.accuracy)) % right.",
            [
                "Against", "Accuracy", "of its accuracy", "Work on devices", "Time, simulated", "Bytes",
                "Device memory",
            ], body, marked: nil)
    }

    /// What each learning rate reached; nil where nothing was swept.
    var sweepTable: Markup? {
        let swept = plan.methods.filter(\.isSwept)
        guard !swept.isEmpty else { return nil }
        let rates = Set(swept.flatMap(\.rates)).sorted()
        let body = swept.map { method in
            let tried = sweep(of: method), chosen = plan.chosenRate(of: method, in: records)
            return [method.name]
                + rates.map { rate in
                    guard let record = tried.first(where: { $0.job.learningRate == rate }) else { return "" }
                    guard let last = record.result?.points.last else { return "diverged" }
                    let text = "\(Quantity.decimal(100 * last.accuracy, 1)), \(Quantity.decimal(last.loss, 3))"
                    return rate == chosen ? "✓ \(text)" : text
                }
        }
        return Self.table(
            "Accuracy in percent and loss in nats of each learning rate; ✓ is what the method was compared with.",
            ["Method"] + rates.map { "\($0)" }, body, marked: nil)
    }

    private static func table(_ caption: String, _ columns: [String], _ body: [[String]], marked: Int?) -> Markup {
        let head = columns.map { Markup.element("th", ["scope": "col"], $0) }
        let rows = body.enumerated().map { place, cells in
            Markup.element(
                "tr", place == marked ? ["class": "marked"] : [:],
                cells.enumerated().map { column, cell in
                    column == 0 ? .element("th", ["scope": "row"], cell) : .element("td", [:], cell)
                })
        }
        return .element(
            "div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": caption],
            [
                .element(
                    "table", [:],
                    [
                        .element("caption", [:], [.element("span", [:], caption)]),
                        .element("thead", [:], [.element("tr", [:], head)]), .element("tbody", [:], rows),
                    ])
            ])
    }
}
