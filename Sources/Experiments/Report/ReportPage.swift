/// The report as one HTML file that needs nothing else: no script, no font, no picture from anywhere.
public struct ReportPage {
    /// The file's text.
    public let html: String

    /// Draws whatever has ended: a comparison that is still under way has a page as well.
    public init(_ comparison: Comparison) {
        let title = "\(comparison.name): methods side by side"
        let head = Markup.element(
            "head", [:],
            [
                .element("meta", ["charset": "utf-8"]),
                .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("meta", ["name": "color-scheme", "content": "light dark"]),
                .element("title", [:], title),
                .element("style", [:], [Markup(raw: ReportStyle.text)]),
            ])
        let sections = [
            Self.header(comparison), Self.results(comparison), Self.curves(comparison), Self.devices(comparison),
            Self.sweep(comparison), Self.choices(comparison),
        ]
        let page = Markup.element(
            "html", ["lang": "en"], [head, .element("body", [:], [.element("main", [:], sections.compactMap(\.self))])])
        html = "<!DOCTYPE html>\n\(page.text)\n"
    }

    private static func header(_ comparison: Comparison) -> Markup {
        let devices = comparison.classes.reduce(0) { $0 + $1.count }
        let done = comparison.orderedRecords.count, all = comparison.plan.runCount
        let facts =
            "Fleet \(comparison.fleet) · devices: \(devices) · methods: \(comparison.methods.count) · "
            + "spreads of labels: \(comparison.plan.imbalances.count) · seeds: \(comparison.plan.seeds.count) · "
            + (done == all ? "runs: \(all)" : "\(done) of \(all) runs have ended")
        return .element(
            "header", [:],
            [
                .element("p", ["class": "kicker"], "Permafrost · comparison"),
                .element("h1", [:], comparison.name),
                .element("p", ["class": "facts"], facts),
                .element(
                    "p", ["class": "note"],
                    "Gradients, accuracies and payloads are real. Times and energy of devices are simulated: calculated "
                        + "from the figures of the fleet, and marked wherever they stand."),
            ])
    }

    private static func results(_ comparison: Comparison) -> Markup {
        var parts: [Markup] = [.element("h2", [:], "What each method reached")]
        if let table = comparison.againstTable { parts.append(table) }
        parts.append(
            figure(
                1, "Accuracy at the end.",
                "The marker is the mean over seeds, its bar the standard deviation, each faint dot a seed. The dotted "
                    + "line is what always naming the most frequent class would reach.",
                comparison.endPanels.map(\.svg)))
        return .element("section", [:], parts + comparison.plan.imbalances.compactMap(comparison.table))
    }

    private static func curves(_ comparison: Comparison) -> Markup {
        let words = [
            "simulated time": "Whole runs on the fleet's clock, the server's work included.",
            "bytes up and down": "All frames of the method's messages, of all devices together.",
            "operations on devices": "Two for each multiply-add of a matrix product, all devices together.",
        ]
        let level = "A line across is a method without this cost, at the accuracy it ends with."
        let figures = CostAxis.all.enumerated().map { place, cost in
            figure(
                2 + place, "Accuracy over \(cost.title).", "\(words[cost.title] ?? "") \(level)",
                comparison.panels(over: cost).map(\.svg), legend: legend(comparison))
        }
        return .element(
            "section", [:],
            [
                .element("h2", [:], "What it cost"),
                .element(
                    "p", [:],
                    "Lines are means over seeds with their standard deviation around them. All methods start from the "
                        + "same model, at no cost: logarithmic scales have no place for that."),
            ] + figures)
    }

    private static func devices(_ comparison: Comparison) -> Markup {
        let activities = Comparison.activities.map { "\($0.name)" }.joined(separator: ", ")
        return .element(
            "section", [:],
            [
                .element("h2", [:], "What it asks of devices"),
                figure(
                    5, "Memory of a device.",
                    "By shape: weights of the blocks it computes, activations where something goes backward, "
                        + "moments of "
                        + "the optimizer. The line is what a device of the class has.",
                    comparison.memoryPanels.map(\.svg)),
                figure(
                    6, "Busy shares of the simulated time.",
                    "From above: \(activities); the figure is the largest of the three. Processor and links work "
                        + "beside "
                        + "each other. \(Comparison.words(comparison.plan.imbalances.first ?? "")), means over a "
                        + "class's devices.",
                    comparison.busyPanels.map(\.svg)),
            ])
    }

    private static func sweep(_ comparison: Comparison) -> Markup? {
        guard let panel = comparison.sweepPanel, let table = comparison.sweepTable else { return nil }
        return .element(
            "section", [:],
            [
                .element("h2", [:], "Where learning rates come from"),
                .element(
                    "p", [:],
                    "Every method that learns by gradients tried the same rates on data whose labels are alike "
                        + "everywhere. The best accuracy at the end counts, then the least loss."),
                figure(
                    7, "The sweep.", "Large markers were chosen.", [panel.svg],
                    legend: legend(comparison, comparison.plan.methods.filter(\.isSwept).map(\.name))), table,
            ])
    }

    private static func choices(_ comparison: Comparison) -> Markup {
        .element(
            "section", [:],
            [
                .element("h2", [:], "What was decided"),
                .element(
                    "dl", [:],
                    comparison.choices.flatMap { [.element("dt", [:], $0.subject), .element("dd", [:], $0.decision)] }),
            ])
    }

    private static func legend(_ comparison: Comparison, _ methods: [String]? = nil) -> Markup {
        .element(
            "ul", ["class": "legend"],
            (methods ?? comparison.methods).map { method in
                let style = comparison.style(method)
                return .element(
                    "li", [:],
                    [
                        .element(
                            "svg", ["viewBox": "0 0 26 10", "aria-hidden": "true", "class": "key \(style.name)"],
                            [Markup.line("line", 0, 5, 26, 5), style.marker(x: 13, y: 5)]), Markup(method),
                    ])
            })
    }

    private static func figure(
        _ number: Int, _ title: String, _ text: String, _ panels: [Markup], legend: Markup? = nil
    ) -> Markup {
        let caption = Markup.element(
            "figcaption", [:], [.element("strong", [:], "Figure \(number). \(title)"), Markup(" \(text)")])
        let grid = Markup.element("div", ["class": panels.count == 1 ? "panels single" : "panels"], panels)
        return .element("figure", [:], [legend, grid, caption].compactMap(\.self))
    }
}
