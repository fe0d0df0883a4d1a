/// A small chart with a name for readers who cannot see it.
func panel(width: Double, height: Double, label: String, _ parts: [Markup]) -> Markup {
    .element(
        "svg",
        [
            "xmlns": "http://www.w3.org/2000/svg", "class": "panel", "viewBox": "0 0 \(n(width)) \(n(height))",
            "role": "img", "aria-label": label,
        ], [.element("title", [:], label)] + parts)
}

/// A straight line; `kind` is a class of the style sheet.
func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> Markup {
    .element("line", ["class": kind, "x1": n(x1), "y1": n(y1), "x2": n(x2), "y2": n(y2)])
}

/// A line of text; `kind` is a class of the style sheet.
func text(_ content: String, x: Double, y: Double, anchor: String = "start", kind: String = "label") -> Markup {
    .element("text", ["class": kind, "x": n(x), "y": n(y), "text-anchor": anchor], content)
}

/// A coordinate, to a hundredth.
func n(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
}
