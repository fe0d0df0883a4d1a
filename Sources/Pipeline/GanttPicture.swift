/// A part of a timetable as an SVG picture.
public struct GanttPicture {
    /// The whole document.
    public let svg: String

    private static let rowHeight = 28.0
    private static let margin = 64.0
    private static let headHeight = 34.0

    /// Draws what happens between two moments. Pointing at an operation shows its name and seconds.
    ///
    /// - Parameters:
    ///   - title: stands above; must not come from outside.
    ///   - width: of the drawing, in pixels.
    public init(_ timetable: Timetable, title: String, from begin: Double, to end: Double, width: Double = 1200) {
        let scale = width / max(end - begin, .leastNormalMagnitude)
        let height = Self.headHeight + Self.rowHeight * Double(timetable.stages.count) + 8
        let total = width + Self.margin + 8
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.number(total))\" height=\"\(Self.number(height))\""
                + " font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
            "<text x=\"8\" y=\"20\" font-size=\"14\">\(title)</text>",
        ]
        lines += Self.legend(right: total - 8)
        for (stage, entries) in timetable.stages.enumerated() {
            let y = Self.headHeight + Self.rowHeight * Double(stage)
            lines.append("<text x=\"8\" y=\"\(Self.number(y + 18))\">stage \(stage)</text>")
            lines.append(
                "<rect x=\"\(Self.number(Self.margin))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" "
                    + "height=\"\(Self.number(Self.rowHeight - 4))\" fill=\"#eeeeee\"/>")
            for entry in entries where entry.end > begin && entry.start < end && entry.end > entry.start {
                let left = Self.margin + (max(entry.start, begin) - begin) * scale
                let right = Self.margin + (min(entry.end, end) - begin) * scale
                lines.append(Self.box(entry, left: left, right: right, y: y))
            }
        }
        svg = (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private static func box(_ entry: Timetable.Entry, left: Double, right: Double, y: Double) -> String {
        let name = entry.kind == .step ? "step" : "\(entry.kind.symbol) of micro-batch \(entry.microBatch)"
        let box =
            "<rect x=\"\(number(left))\" y=\"\(number(y))\" width=\"\(number(right - left))\" "
            + "height=\"\(number(rowHeight - 4))\" fill=\"\(colour(entry.kind))\" stroke=\"#ffffff\" stroke-width=\"0.5\">"
            + "<title>\(name), step \(entry.step), \(number(entry.start)) to \(number(entry.end)) s</title></rect>"
        guard right - left >= 16, entry.kind != .step else { return box }
        return box
            + "<text x=\"\(number((left + right) / 2))\" y=\"\(number(y + 16))\" text-anchor=\"middle\" "
            + "pointer-events=\"none\">\(entry.microBatch)</text>"
    }

    private static func legend(right: Double) -> [String] {
        StageOperation.Kind.allCases.reversed().enumerated().flatMap { place, kind in
            let x = right - 52 * Double(place + 1)
            return [
                "<rect x=\"\(number(x))\" y=\"8\" width=\"14\" height=\"14\" fill=\"\(colour(kind))\"/>",
                "<text x=\"\(number(x + 18))\" y=\"20\">\(kind.symbol)</text>",
            ]
        }
    }

    private static func colour(_ kind: StageOperation.Kind) -> String {
        switch kind {
        case .frozenForward: "#9fd3ee"
        case .forward: "#7db46c"
        case .backwardInput: "#f0a04b"
        case .backwardWeights: "#e9d06b"
        case .step: "#555555"
        }
    }

    /// At most two decimals.
    private static func number(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }
}
