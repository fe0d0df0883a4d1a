/// One small chart of accuracies at the end: every seed a faint dot, their mean a marker with its standard deviation.
struct DotPanel {
    struct Row {
        var label: String
        var style: LineStyle
        var values: [Double]
        /// Stands where there is no value.
        var otherwise: String
    }

    var title: String
    var rows: [Row]
    var majority: Double?
    var scale: AxisScale

    private static let width = 320.0
    private static let plot = (left: 98.0, top: 24.0, width: 210.0, row: 20.0)

    var svg: Markup {
        let foot = Self.plot.top + Self.plot.row * Double(rows.count)
        let label = "\(title): accuracy at the end in percent, by method"
        return Markup.panel(
            width: Self.width, height: foot + 36, label: label,
            [Markup.text(title, x: 2, y: 15, kind: "head")] + axes(foot) + rows.indices.map(drawn))
    }

    private func at(_ value: Double) -> Double {
        Self.plot.left + Self.plot.width * scale.nearestPlace(value)
    }

    private func axes(_ foot: Double) -> [Markup] {
        var parts = scale.ticks.flatMap { tick in
            [
                Markup.line("grid", at(tick), Self.plot.top, at(tick), foot),
                Markup.text(Quantity.digits(100 * tick), x: at(tick), y: foot + 14, anchor: "middle"),
            ]
        }
        if let majority { parts.append(Markup.line("majority", at(majority), Self.plot.top, at(majority), foot)) }
        parts.append(
            Markup.text(
                "accuracy, %", x: Self.plot.left + Self.plot.width / 2, y: foot + 30, anchor: "middle", kind: "name"))
        return parts
    }

    private func drawn(_ place: Int) -> Markup {
        let row = rows[place]
        let y = Self.plot.top + Self.plot.row * (Double(place) + 0.5)
        var parts = [Markup.text(row.label, x: Self.plot.left - 8, y: y + 3.5, anchor: "end")]
        guard let spread = Spread(row.values) else {
            parts.append(Markup.text(row.otherwise, x: Self.plot.left + 4, y: y + 3.5))
            return .element("g", ["class": row.style.name], parts)
        }
        if let deviation = spread.deviation {
            parts += row.values.map {
                .element("circle", ["class": "seed", "cx": coordinate(at($0)), "cy": coordinate(y), "r": "1.8"])
            }
            parts.append(Markup.line("line whisker", at(spread.mean - deviation), y, at(spread.mean + deviation), y))
        }
        parts.append(
            row.style.marker(
                x: at(spread.mean), y: y, size: 3.6, title: "\(row.label): \(Quantity.percentages(spread)) %"))
        return .element("g", ["class": row.style.name], parts)
    }
}
