/// How a method looks in all figures: a colour of the style sheet and a marker, so that no figure needs its colours.
struct LineStyle {
    /// The class that the style sheet gives a colour.
    let name: String
    private let shape: Int

    /// - Parameter place: among the methods.
    init(method: String, place: Int) {
        switch method {
        case Comparison.subject: (name, shape) = ("subject", 0)
        case "central": (name, shape) = ("central", 1)
        default: (name, shape) = ("line-\(place % 8)", place % Self.corners.count)
        }
    }

    /// Corners of the markers around a point, in their size; a circle has none. The last one is two strokes.
    private static let corners: [[(x: Double, y: Double)]] = [
        [],
        [(-1, -1), (1, -1), (1, 1), (-1, 1)],
        [(0, -1.3), (1.3, 0.9), (-1.3, 0.9)],
        [(0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)],
        [(0, 1.3), (1.3, -0.9), (-1.3, -0.9)],
        [(-1, -1), (1, 1), (0, 0), (1, -1), (-1, 1), (0, 0)],
    ]

    /// The marker around a point, with what it tells a reader who points at it.
    func marker(x: Double, y: Double, size: Double = 2.6, title: String? = nil) -> Markup {
        let content = title.map { [Markup.element("title", [:], $0)] } ?? []
        let corners = Self.corners[shape]
        guard !corners.isEmpty else {
            return .element(
                "circle", ["class": "mark", "cx": coordinate(x), "cy": coordinate(y), "r": coordinate(size)], content)
        }
        let places = corners.map { "\(coordinate(x + size * $0.x)) \(coordinate(y + size * $0.y))" }
        let isCross = shape == Self.corners.count - 1
        return .element(
            "path", ["class": isCross ? "mark cross" : "mark", "d": "M\(places.joined(separator: "L"))z"], content)
    }
}
