/// One small chart of lines: accuracy over what it cost. Panels of a figure share their scales.
struct LinePanel {
    /// A method's line.
    struct Series {
        struct Point {
            var x: Double
            var y: Spread
            var isChosen = false
        }

        var label: String
        var style: LineStyle
        var points: [Point]
        /// Where the line costs nothing at all, what it ends with goes across the panel.
        var isLevel: Bool { points.count > 1 && points.allSatisfy { $0.x == 0 } }
    }

    var title: String
    var xTitle: String
    var yTitle = "accuracy, %"
    var series: [Series]
    /// The share of the most frequent class.
    var majority: Double?
    var x: AxisScale
    var y: AxisScale
    var xText: (Double) -> String

    private static let size = (width: 320.0, height: 232.0)
    private static let plot = (left: 44.0, top: 28.0, width: 266.0, height: 164.0)

    var svg: Markup {
        let label = "\(title): \(yTitle) over \(xTitle)"
        return Markup.panel(
            width: Self.size.width, height: Self.size.height, label: label,
            [Markup.text(title, x: Self.plot.left, y: 15, kind: "head")] + axes + series.flatMap(drawn))
    }

    private var axes: [Markup] {
        let (left, top, width, height) = Self.plot
        var parts: [Markup] = []
        for tick in y.ticks {
            guard let place = y.place(tick) else { continue }
            let at = top + height * (1 - place)
            parts.append(Markup.line("grid", left, at, left + width, at))
            parts.append(Markup.text(Quantity.digits(100 * tick), x: left - 6, y: at + 4, anchor: "end"))
        }
        for tick in x.ticks {
            guard let place = x.place(tick) else { continue }
            let at = left + width * place
            parts.append(Markup.line("tick", at, top + height, at, top + height + 4))
            parts.append(Markup.text(xText(tick), x: at, y: top + height + 17, anchor: "middle"))
        }
        if let majority, let place = y.place(majority) {
            let at = top + height * (1 - place)
            parts.append(Markup.line("majority", left, at, left + width, at))
        }
        parts.append(Markup.line("axis", left, top + height, left + width, top + height))
        parts.append(Markup.text(xTitle, x: left + width / 2, y: Self.size.height - 6, anchor: "middle", kind: "name"))
        parts.append(
            .element(
                "text",
                [
                    "class": "name", "text-anchor": "middle",
                    "transform": "translate(10 \(coordinate(top + height / 2))) rotate(-90)",
                ], yTitle))
        return parts
    }

    private func drawn(_ series: Series) -> [Markup] {
        let (left, top, width, height) = Self.plot
        let down = { (value: Double) in top + height * (1 - y.nearestPlace(value)) }
        if series.isLevel, let last = series.points.last {
            return [
                .element(
                    "g", ["class": series.style.name],
                    [Markup.line("line level", left, down(last.y.mean), left + width, down(last.y.mean))])
            ]
        }
        let places = series.points.compactMap { point in
            x.place(point.x).map { (x: left + width * $0, point: point) }
        }
        guard !places.isEmpty else { return [] }
        var parts: [Markup] = []
        if places.allSatisfy({ $0.point.y.deviation != nil }), places.count > 1 {
            let upper = places.map {
                "\(coordinate($0.x)) \(coordinate(down($0.point.y.mean + ($0.point.y.deviation ?? 0))))"
            }
            let lower = places.reversed().map {
                "\(coordinate($0.x)) \(coordinate(down($0.point.y.mean - ($0.point.y.deviation ?? 0))))"
            }
            parts.append(.element("path", ["class": "band", "d": "M" + (upper + lower).joined(separator: "L") + "z"]))
        }
        let line = places.map { "\(coordinate($0.x)) \(coordinate(down($0.point.y.mean)))" }.joined(separator: "L")
        parts.append(.element("path", ["class": "line", "d": "M" + line]))
        parts += places.map { place in
            series.style.marker(
                x: place.x, y: down(place.point.y.mean), size: place.point.isChosen ? 5 : 2.6,
                title: "\(series.label): \(Quantity.percentages(place.point.y)) % at \(xText(place.point.x))")
        }
        return [.element("g", ["class": series.style.name], parts)]
    }
}
