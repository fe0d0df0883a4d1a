extension Markup {
    /// A small chart with a name for readers who cannot see it.
    static func panel(width: Double, height: Double, label: String, _ parts: [Markup]) -> Markup {
        .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "class": "panel",
                "viewBox": "0 0 \(coordinate(width)) \(coordinate(height))",
                "role": "img", "aria-label": label,
            ], [.element("title", [:], label)] + parts)
    }

    /// A straight line; `kind` is a class of the style sheet.
    static func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> Markup {
        .element(
            "line",
            ["class": kind, "x1": coordinate(x1), "y1": coordinate(y1), "x2": coordinate(x2), "y2": coordinate(y2)])
    }

    /// A line of text; `kind` is a class of the style sheet.
    static func text(_ content: String, x: Double, y: Double, anchor: String = "start", kind: String = "label")
        -> Markup
    {
        .element("text", ["class": kind, "x": coordinate(x), "y": coordinate(y), "text-anchor": anchor], content)
    }
}

/// A coordinate, to a hundredth.
func coordinate(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
}
