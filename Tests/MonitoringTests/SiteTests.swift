import Diagnostics
import Foundation
import Synchronization
import Testing

@testable import Monitoring

@Suite("What is answered over HTTP")
struct SiteTests {
    private static let host = "127.0.0.1:9090"

    private static func site(
        health: Site.Condition = .yes, readiness: Site.Condition = .yes, run: Site.Run? = nil
    ) throws -> Site {
        Site(
            access: AccessRules(listening: try #require(HostAndPort(host))), health: { health },
            readiness: { readiness },
            metrics: { [MetricFamily(MetricDescription("level", .gauge, "A level"), [.init([], .number(2))])] },
            state: { .json(#"{"version":"1"}"#) }, run: run)
    }

    /// A coordinator's, which tells which devices were asked for and which worker is to leave.
    private static func run(token: TokenFile? = nil) -> Site.Run {
        Site.Run(
            feed: StateFeed { nil }, token: token,
            devices: { .json("\($0.cut ?? -1) \($0.state ?? "all") \($0.offset) \($0.limit)") },
            drain: { .json("drain \($0)") })
    }

    private static func text(_ answer: SiteAnswer) -> String {
        guard case .bytes(let bytes) = answer.content else { return "events" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("health and readiness are 200, or 503 with the reason, whatever the host is called")
    func conditions() async throws {
        let site = try Self.site(readiness: .no("not registered"))
        #expect(await site.answer(SiteRequest("GET", "/healthz", host: "anything.example")).status == 200)
        let answer = await site.answer(SiteRequest("GET", "/readyz"))
        #expect(answer.status == 503)
        #expect(Self.text(answer) == "not registered\n")
        let dead = try Self.site(health: .no("the loop has not turned for 70 s"))
        #expect(await dead.answer(SiteRequest("GET", "/healthz")).status == 503)
    }

    @Test("every role has metrics and state; page, devices and events are a coordinator's alone")
    func roles() async throws {
        let role = try Self.site(), coordinator = try Self.site(run: Self.run())
        for path in ["/metrics", "/api/v1/state"] {
            #expect(await role.answer(SiteRequest("GET", path, host: Self.host)).status == 200, "\(path)")
        }
        for path in ["/", "/page.css", "/page.js", "/api/v1/devices", "/api/v1/events"] {
            #expect(await role.answer(SiteRequest("GET", path, host: Self.host)).status == 404, "\(path)")
            #expect(await coordinator.answer(SiteRequest("GET", path, host: Self.host)).status == 200, "\(path)")
        }
        for path in ["/nothing", "/api/v1/workers/w/stop", "/../etc/passwd", ""] {
            #expect(await coordinator.answer(SiteRequest("GET", path, host: Self.host)).status == 404, "\(path)")
        }
    }

    @Test("metrics come in the form that is asked for")
    func metrics() async throws {
        let site = try Self.site()
        let open = await site.answer(SiteRequest("GET", "/metrics", host: Self.host))
        #expect(open.headers["Content-Type"]?.hasPrefix("application/openmetrics-text") == true)
        #expect(Self.text(open).hasSuffix("level 2.0\n# EOF\n"))
        let plain = await site.answer(SiteRequest("GET", "/metrics", host: Self.host, accept: "text/plain"))
        #expect(plain.headers["Content-Type"]?.hasPrefix("text/plain") == true)
    }

    @Test("a request for another host is misdirected, one that writes is refused, one with a body is too long")
    func refusals() async throws {
        let site = try Self.site(run: Self.run())
        #expect(await site.answer(SiteRequest("GET", "/metrics", host: "evil.example")).status == 421)
        #expect(await site.answer(SiteRequest("GET", "/metrics")).status == 421)
        let put = await site.answer(SiteRequest("PUT", "/api/v1/state", host: Self.host))
        #expect(put.status == 405)
        #expect(put.headers["Allow"] == "GET, HEAD")
        let long = SiteRequest("GET", "/api/v1/state", host: Self.host, isTooLong: true)
        #expect(await site.answer(long).status == 413)
    }

    @Test("devices are asked for by class and state, page by page, never more than 200")
    func devices() async throws {
        let site = try Self.site(run: Self.run())
        func answer(_ query: [String: String]) async -> SiteAnswer {
            await site.answer(SiteRequest("GET", "/api/v1/devices", query: query, host: Self.host))
        }
        #expect(Self.text(await answer([:])) == "-1 all 0 200")
        let some = ["class": "6", "state": "away", "offset": "400", "limit": "1000"]
        #expect(Self.text(await answer(some)) == "6 away 400 200")
        for (name, value) in [("class", "x"), ("offset", "-1"), ("limit", "many")] {
            #expect(await answer([name: value]).status == 400, "\(name)")
        }
    }

    @Test("a file of the page is not sent again to a browser that has it")
    func tags() async throws {
        let site = try Self.site(run: Self.run())
        let first = await site.answer(SiteRequest("GET", "/page.css", host: Self.host))
        let tag = try #require(first.headers["ETag"])
        let again = await site.answer(SiteRequest("GET", "/page.css", host: Self.host, knownTags: "\"x\", \(tag)"))
        #expect(again.status == 304)
        #expect(again.content == .bytes([]))
        #expect(await site.answer(SiteRequest("GET", "/page.css", host: Self.host, knownTags: "\"x\"")).status == 200)
    }

    @Test("every file of the page's folder is served, with the type that its name says")
    func wholePage() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Monitoring/Page")
        let types = ["html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!names.isEmpty)
        for name in names {
            let file = try #require(PageFile.all[name == "index.html" ? "/" : "/\(name)"], "\(name)")
            let type = try #require(types[String(name.split(separator: ".").last ?? "")], "\(name)")
            #expect(file.type.hasPrefix(type), "\(name)")
            #expect(try Data(contentsOf: folder.appendingPathComponent(name)) == Data(file.bytes), "\(name)")
        }
        #expect(PageFile.all.count == names.count)
    }

    @Test("a worker is drained with POST, from no other page, and with the token alone")
    func drain() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("token-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("a-secret-of-some-length".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        var request = SiteRequest("POST", "/api/v1/workers/worker%201/drain", host: Self.host)
        let readOnly = await (try Self.site(run: Self.run())).answer(request)
        #expect(readOnly.status == 403)
        #expect(Self.text(readOnly).hasPrefix("read-only"))

        let site = try Self.site(run: Self.run(token: try TokenFile(path)))
        let unknown = await site.answer(request)
        #expect(unknown.status == 401)
        #expect(unknown.headers["WWW-Authenticate"] == "Bearer")
        request.authorization = "Bearer a-secret-of-some-length"
        #expect(Self.text(await site.answer(request)) == "drain worker 1")
        request.origin = "http://evil.example"
        #expect(await site.answer(request).status == 403)
        request.origin = nil
        request.method = "GET"
        #expect(await site.answer(request).status == 405)
        request.method = "POST"
        request.host = "evil.example"
        #expect(await site.answer(request).status == 421)
        try FileManager.default.removeItem(atPath: path)
        request.host = Self.host
        #expect(await site.answer(request).status == 503)
    }
}
