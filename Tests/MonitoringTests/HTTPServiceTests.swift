import Diagnostics
import Foundation
import Support
import Synchronization
import Testing

@testable import Monitoring

@Suite("Serving over HTTP")
struct HTTPServiceTests {
    private static let small = StateFeed { StateFeed.State(number: 1, json: #"{"n":1}"#) }

    private static func service(
        _ port: Int = 0, feed: StateFeed = small, limits: HTTPService.Limits = .init()
    ) throws -> HTTPService {
        let address = try #require(HostAndPort("127.0.0.1:\(port)"))
        let site = Site(
            access: AccessRules(listening: address), health: { .yes }, readiness: { .yes }, metrics: { [] },
            state: { .json("{}") },
            run: Site.Run(feed: feed, token: nil, devices: { _ in .json("[]") }, drain: { _ in .json("{}") }))
        return try HTTPService(site, at: address, limits: limits)
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

    @Test("a connection too many waits, one on which nothing comes is closed, headers that are too long are refused")
    func limits() throws {
        let service = try Self.service(limits: .init(connections: 2, idleTimeout: .seconds(2)))
        defer { service.stop() }
        let port = UInt16(service.address.port)
        let begin = ContinuousClock.now
        // Up to four that come at once are let in together.
        let silent = try (0..<5).map { _ in try #require(TCPConnection(port: port)) }
        let last = try #require(TCPConnection(port: port, seconds: 1))
        last.send(Array("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".utf8))
        #expect(last.read() == nil, "as long as the others are there")
        for connection in silent { #expect(connection.read() == nil) }
        #expect(ContinuousClock.now - begin < .seconds(18), "sooner than the client gives up")
        #expect(last.read() != nil)
        let client = HTTPClient(port: port)
        let long = try client.ask("GET", "/healthz", ["X-Long": String(repeating: "x", count: 20_000)])
        #expect(long?.status ?? 400 >= 400)
        #expect(try client.ask("GET", "/healthz", ["X-Long": String(repeating: "x", count: 2000)])?.status == 200)
    }

    @Test("whoever follows events and does not read them is cut off")
    func slowReader() async throws {
        let number = Atomic(0), json = String(repeating: "1", count: 16 << 20)
        let feed = StateFeed {
            StateFeed.State(number: number.add(1, ordering: .relaxed).newValue, json: json)
        }
        let service = try Self.service(feed: feed, limits: .init(readTimeout: .seconds(1)))
        defer { service.stop() }
        let reader = try #require(TCPConnection(port: UInt16(service.address.port)))
        reader.send(Array("GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8))
        func comes(_ isIt: (Int) -> Bool) async throws -> Bool {
            for _ in 0..<2000 {
                if isIt(await feed.listeners.count) { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }
        #expect(try await comes { $0 == 1 })
        #expect(try await comes { $0 == 0 })
        #expect(reader.read(exactly: 16 << 20).count < 16 << 20)
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
