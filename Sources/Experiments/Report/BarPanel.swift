/// One small chart of horizontal bars, a row for each method.
struct BarPanel {
    /// A method's row.
    struct Row {
        struct Bar {
            /// What the bar is, for a reader who points at it, and a class of the style sheet.
            var name: String
            var kind: String
            /// From 0 to 1 of the panel's width.
            var share: Double
        }

        var label: String
        var style: LineStyle
        /// One below the other.
        var bars: [Bar]
        /// Stands at the end of the row.
        var value: String
    }

    var title: String
    /// What is drawn, for readers who cannot see it.
    var summary: String
    var rows: [Row]
    /// Where something ends, such as the memory of a device, as a share of the panel's width.
    var limit: Double?

    private static let width = 320.0
    private static let plot = (left: 98.0, top: 26.0, width: 150.0)

    var svg: Markup {
        let rowHeight = rows.allSatisfy { $0.bars.count == 1 } ? 20.0 : 26.0
        let height = Self.plot.top + rowHeight * Double(rows.count) + 6
        var parts = [Markup.text(title, x: 2, y: 15, kind: "head")]
        let foot = Self.plot.top + rowHeight * Double(rows.count)
        parts.append(Markup.line("axis", Self.plot.left, Self.plot.top - 2, Self.plot.left, foot))
        if let limit, limit <= 1 {
            let at = Self.plot.left + Self.plot.width * limit
            parts.append(Markup.line("limit", at, Self.plot.top - 4, at, foot + 4))
        }
        for (place, row) in rows.enumerated() {
            parts += drawn(row, y: Self.plot.top + rowHeight * Double(place), height: rowHeight)
        }
        return Markup.panel(width: Self.width, height: height, label: summary, parts)
    }

    private func drawn(_ row: Row, y: Double, height: Double) -> [Markup] {
        let thickness = (height - 6) / Double(row.bars.count)
        var parts = [Markup.text(row.label, x: Self.plot.left - 6, y: y + height / 2 + 2.5, anchor: "end")]
        for (place, bar) in row.bars.enumerated() {
            let width = max(0, min(1, bar.share)) * Self.plot.width
            parts.append(
                .element(
                    "rect",
                    [
                        "class": "bar \(bar.kind)", "x": coordinate(Self.plot.left),
                        "y": coordinate(y + 2 + thickness * Double(place)),
                        "width": coordinate(width), "height": coordinate(thickness - (row.bars.count > 1 ? 1 : 0)),
                    ], [.element("title", [:], "\(row.label): \(bar.name)")]))
        }
        let longest = max(0, min(1, row.bars.map(\.share).max() ?? 0)) * Self.plot.width
        parts.append(Markup.text(row.value, x: Self.plot.left + longest + 5, y: y + height / 2 + 2.5))
        return [.element("g", ["class": row.style.name], parts)]
    }
}
