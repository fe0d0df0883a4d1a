import Diagnostics
import Foundation
import Support
import Testing

@testable import Monitoring

@Suite("Serving over HTTP")
struct HTTPServiceTests {
    private static func service(_ port: Int = 0) throws -> HTTPService {
        let address = try #require(HostAndPort("127.0.0.1:\(port)"))
        let feed = StateFeed { StateFeed.State(number: 1, json: #"{"n":1}"#) }
        let site = Site(
            access: AccessRules(listening: address), health: { .yes }, readiness: { .yes }, metrics: { [] },
            state: { .json("{}") },
            run: Site.Run(feed: feed, token: nil, devices: { _ in .json("[]") }, drain: { _ in .json("{}") }))
        return try HTTPService(site, at: address)
    }

    @Test("answers have the standing headers, HEAD has no body, a body that is too long is refused, events stream")
    func serving() throws {
        let service = try Self.service()
        defer { service.stop() }
        let client = HTTPClient(port: UInt16(service.address.port))
        let page = try #require(try client.ask("GET", "/"))
        #expect(page.status == 200)
        #expect(page.body.contains("<!doctype html>"))
        #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        #expect(page.headers["x-content-type-options"] == "nosniff")
        #expect(page.headers["referrer-policy"] == "no-referrer")
        let state = try #require(try client.ask("GET", "/api/v1/state?x=1"))
        #expect((state.status, state.body, state.headers["cache-control"]) == (200, "{}", "no-store"))
        let head = try #require(try client.ask("HEAD", "/api/v1/state"))
        #expect((head.status, head.body, head.headers["content-length"]) == (200, "", "2"))
        #expect(try client.ask("POST", "/api/v1/workers/w/drain", ["Content-Length": "5000"])?.status == 413)
        #expect(try client.ask("GET", "/metrics", ["Host": "evil.example"])?.status == 421)
        #expect(client.event("/api/v1/events", within: 10) { $0.contains(#""n":1"#) } == #"{"n":1}"#)
    }

    @Test("an address that is in use is an error with a number and a remedy")
    func busy() throws {
        let service = try Self.service()
        defer { service.stop() }
        #expect {
            _ = try Self.service(service.address.port)
        } throws: { error in
            let error = error as? MonitoringError
            return error?.exitCode == .httpUnavailable && error?.problem.contains("Address already in use") == true
        }
    }
}
