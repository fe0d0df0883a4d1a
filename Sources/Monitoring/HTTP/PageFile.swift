import Diagnostics

/// A file of the page, which is part of the program.
struct PageFile: Sendable {
    let type: String
    let bytes: [UInt8]
    /// What a browser names to learn whether it has the newest one.
    let tag: String

    private init(_ type: String, _ bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
        tag = "\"" + String(bytes.withUnsafeBytes { XXH64.hash($0) }, radix: 16) + "\""
    }

    private static let script = "text/javascript; charset=utf-8"
    private static let style = "text/css; charset=utf-8"

    /// By the path under which it is served.
    static let all: [String: PageFile] = [
        "/": PageFile("text/html; charset=utf-8", PackageResources.index_html),
        "/announcements.js": PageFile(script, PackageResources.announcements_js),
        "/chart.js": PageFile(script, PackageResources.chart_js),
        "/devices.js": PageFile(script, PackageResources.devices_js),
        "/dom.js": PageFile(script, PackageResources.dom_js),
        "/events.js": PageFile(script, PackageResources.events_js),
        "/format.js": PageFile(script, PackageResources.format_js),
        "/gantt.js": PageFile(script, PackageResources.gantt_js),
        "/icon.svg": PageFile("image/svg+xml", PackageResources.icon_svg),
        "/lanes.js": PageFile(script, PackageResources.lanes_js),
        "/link.js": PageFile(script, PackageResources.link_js),
        "/list.js": PageFile(script, PackageResources.list_js),
        "/page.css": PageFile(style, PackageResources.page_css),
        "/page.js": PageFile(script, PackageResources.page_js),
        "/parts.css": PageFile(style, PackageResources.parts_css),
        "/pipeline.js": PageFile(script, PackageResources.pipeline_js),
        "/queue.js": PageFile(script, PackageResources.queue_js),
        "/run.js": PageFile(script, PackageResources.run_js),
        "/scale.js": PageFile(script, PackageResources.scale_js),
        "/table.js": PageFile(script, PackageResources.table_js),
        "/workers.js": PageFile(script, PackageResources.workers_js),
    ]

    /// The answer to a browser that has files with these tags.
    func answer(knownTags: String?) -> SiteAnswer {
        let headers = ["Content-Type": type, "Cache-Control": "no-cache", "ETag": tag]
        let isKnown = knownTags.map { $0.contains(tag) || $0 == "*" } ?? false
        return isKnown ? SiteAnswer(304, headers, .bytes([])) : SiteAnswer(200, headers, .bytes(bytes))
    }
}
