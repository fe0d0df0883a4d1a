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

    /// By the path under which it is served.
    static let all: [String: PageFile] = [
        "/": PageFile("text/html; charset=utf-8", PackageResources.index_html),
        "/page.css": PageFile("text/css; charset=utf-8", PackageResources.page_css),
        "/page.js": PageFile(script, PackageResources.page_js),
    ]

    /// The answer to a browser that has files with these tags.
    func answer(knownTags: String?) -> SiteAnswer {
        let headers = ["Content-Type": type, "Cache-Control": "no-cache", "ETag": tag]
        let isKnown = knownTags.map { $0.contains(tag) || $0 == "*" } ?? false
        return isKnown ? SiteAnswer(304, headers, .bytes([])) : SiteAnswer(200, headers, .bytes(bytes))
    }
}
