/// How a method looks in all figures: a colour of the style sheet, a dash and a marker, so that colour alone tells nothing.
struct LineStyle {
    /// The classes that the style sheet gives a colour and a dash.
    let name: String
    private let shape: Int

    /// - Parameter place: among the methods.
    init(method: String, place: Int) {
        switch method {
        case Comparison.subject: (name, shape) = ("subject", 0)
        case "central": (name, shape) = ("central", 1)
        default: (name, shape) = ("line-\(place % 8)", place % 6)
        }
    }

    /// The marker around a point, with what it tells a reader who points at it.
    func marker(x: Double, y: Double, size: Double = 2.6, title: String? = nil) -> Markup {
        let content = title.map { [Markup.element("title", [:], $0)] } ?? []
        let path: String
        var kind = "mark"
        switch shape {
        case 0: return .element("circle", ["class": "mark", "cx": n(x), "cy": n(y), "r": n(size)], content)
        case 1: path = "M\(n(x - size)) \(n(y - size))h\(n(2 * size))v\(n(2 * size))h\(n(-2 * size))z"
        case 2: path = "M\(n(x)) \(n(y - 1.3 * size))l\(n(1.3 * size)) \(n(2.2 * size))h\(n(-2.6 * size))z"
        case 3:
            path =
                "M\(n(x)) \(n(y - 1.4 * size))l\(n(1.4 * size)) \(n(1.4 * size))l\(n(-1.4 * size)) \(n(1.4 * size))l\(n(-1.4 * size)) \(n(-1.4 * size))z"
        case 4: path = "M\(n(x)) \(n(y + 1.3 * size))l\(n(1.3 * size)) \(n(-2.2 * size))h\(n(-2.6 * size))z"
        default:
            kind = "mark cross"
            path =
                "M\(n(x - size)) \(n(y - size))l\(n(2 * size)) \(n(2 * size))m0 \(n(-2 * size))l\(n(-2 * size)) \(n(2 * size))"
        }
        return .element("path", ["class": kind, "d": path], content)
    }
}
