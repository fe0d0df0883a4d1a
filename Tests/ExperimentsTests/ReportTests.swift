import Experiments
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What a parser finds in a page.
private final class Found: NSObject, XMLParserDelegate {
    var elements: [String: Int] = [:]
    var untitledPictures = 0
    var addresses: [String] = []
    private var isPictureOpen = false

    func parser(
        _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements[element, default: 0] += 1
        if isPictureOpen, element != "title" { untitledPictures += 1 }
        isPictureOpen = element == "svg" && attributes["role"] == "img"
        addresses += ["href", "src", "xlink:href"].compactMap { attributes[$0] }
    }
}

@Suite("Reports of comparisons")
struct ReportTests {
    private func parsed(_ comparison: Comparison) throws -> Found {
        let found = Found()
        let parser = XMLParser(data: Data(ReportPage(comparison).html.utf8))
        parser.delegate = found
        try #require(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
        return found
    }

    @Test("the page is well-formed, needs nothing from elsewhere, and every picture has a title")
    func whole() throws {
        let comparison = PlantedComparison.comparison()
        let found = try parsed(comparison)
        #expect(found.addresses.isEmpty)
        #expect(found.elements["script"] == nil && found.elements["link"] == nil && found.elements["img"] == nil)
        #expect(found.untitledPictures == 0)
        // Accuracy at the end and over three costs for each imbalance, memory and busy shares for each class, the sweep.
        #expect(found.elements["figure"] == 7)
        // An imbalance each, splitfrozen against the others, the sweep.
        #expect(found.elements["table"] == 6)
        let html = ReportPage(comparison).html
        #expect(
            !html.contains("http://")
                || html.components(separatedBy: "http://").dropFirst().allSatisfy {
                    $0.hasPrefix("www.w3.org/2000/svg\"")
                })
        #expect(!html.contains("https://") && !html.contains("@import") && !html.contains("url("))
        #expect(html.contains("simulated"))
    }

    @Test("whatever has ended so far has a page", arguments: [0, 1, 5, 13, 40])
    func unfinished(ended: Int) throws {
        let found = try parsed(PlantedComparison.comparison(limit: ended))
        #expect(found.untitledPictures == 0)
        #expect(!ReportPage(PlantedComparison.comparison(limit: ended)).html.contains(">diverged<"))
    }

    @Test("runs that all diverged, one seed, one method, no sweep and no devices have a page")
    func odd() throws {
        _ = try parsed(PlantedComparison.comparison { _ in nil })
        let small = ComparisonPlan(methods: [.init(name: "central", rates: [1e-3])], imbalances: ["iid"], seeds: [1])
        let found = try parsed(PlantedComparison.comparison(small))
        #expect(found.elements["table"] == 1)
    }

    @Test("names with markup in them stay text")
    func escaping() throws {
        let name = "<script>alert(\"1\")</script> & 'so' on\u{1}"
        let found = try parsed(PlantedComparison.comparison(name: name))
        #expect(found.elements["script"] == nil)
        let html = ReportPage(PlantedComparison.comparison(name: name)).html
        #expect(html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;so&#39; on\u{FFFD}"))
    }

    @Test("the tables of values have a row for each evaluation and each device, with as many cells as their head")
    func rows() throws {
        let comparison = PlantedComparison.comparison()
        let table = ResultsTable(comparison)
        let results = comparison.orderedRecords.compactMap(\.result)
        for (text, count) in [
            (table.points, results.reduce(0) { $0 + $1.points.count }),
            (table.devices, results.reduce(0) { $0 + $1.devices.count }),
        ] {
            let lines = text.components(separatedBy: "\r\n").dropLast()
            #expect(lines.count == 1 + count)
            let widths = Set(lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count })
            #expect(widths.count == 1)
        }
        #expect(table.points.contains("\r\nfedlora,iid,1,0.001,1,1,0.517,0,0,0.0,"))
    }

    @Test("a cell that would end its row or its column is quoted")
    func quoting() {
        var comparison = PlantedComparison.comparison(limit: 4)
        comparison.records = comparison.records.mapValues { record in
            var record = record
            for place in record.result?.devices.indices ?? 0..<0 {
                record.result?.devices[place].deviceClass = "a \"b\", c\r\nd"
            }
            return record
        }
        #expect(ResultsTable(comparison).devices.contains(",\"a \"\"b\"\", c\r\nd\","))
    }
}
