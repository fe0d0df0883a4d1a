import Diagnostics
import Foundation
import Testing

@testable import Monitoring

@Suite("Who may ask over HTTP")
struct AccessTests {
    @Test("addresses, localhost, the host that is listened to and named hosts are let in, other names are not")
    func hosts() throws {
        let rules = AccessRules(listening: try #require(HostAndPort("server.lan:9090")), names: ["Coordinator"])
        for host in [
            "server.lan:9090", "server.lan", "SERVER.lan:1", "coordinator:80", "localhost", "127.0.0.1:9090",
            "10.1.2.3",
            "[::1]:9090", "[fe80::1]",
        ] { #expect(rules.allows(host: host), "\(host)") }
        for host in [
            nil, "", "evil.example", "server.lan.evil.example:9090", "127.0.0.1.evil.example", "server.lan:x", "[::1",
            "[::1]x", ":9090",
        ] { #expect(!rules.allows(host: host), "\(host ?? "nil")") }
    }

    @Test("a page may ask where it came from, and nowhere else")
    func origins() throws {
        let rules = AccessRules(listening: try #require(HostAndPort("127.0.0.1:9090")))
        for origin in [nil, "http://localhost:9090", "https://LOCALHOST:9090"] {
            #expect(rules.allows(origin: origin, host: "localhost:9090"))
        }
        for origin in ["null", "http://localhost:9091", "http://evil.example", "localhost:9090", "http://"] {
            #expect(!rules.allows(origin: origin, host: "localhost:9090"), "\(origin)")
        }
    }

    /// A file with a text, for its owner alone unless it is said otherwise.
    private func withFile(_ text: String, mode: Int = 0o600, _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("token-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        try body(path)
    }

    @Test("the token of the file is let in, any other is not, and a replaced file holds at once")
    func token() throws {
        try withFile("a-secret-of-some-length\n") { path in
            let file = try TokenFile(path)
            #expect(try file.admits("Bearer a-secret-of-some-length"))
            #expect(try file.admits("bearer a-secret-of-some-length"))
            for wrong in [nil, "", "Bearer ", "Bearer a-secret-of-some-lengtH", "a-secret-of-some-length"] {
                #expect(try !file.admits(wrong), "\(wrong ?? "nil")")
            }
            try Data("another-secret-of-some-length".utf8).write(to: URL(fileURLWithPath: path))
            #expect(try !file.admits("Bearer a-secret-of-some-length"))
            #expect(try file.admits("Bearer another-secret-of-some-length"))
        }
    }

    @Test("a token that is missing, short, of several words or open to others is refused with a number")
    func weakTokens() throws {
        #expect(throws: MonitoringError.self) { try TokenFile("/nonexistent/token") }
        for text in ["", "short", "two words of some length", String(repeating: "x", count: 2000)] {
            try withFile(text) { path in
                #expect(throws: MonitoringError.weakToken(file: path)) { try TokenFile(path) }
            }
        }
        try withFile("a-secret-of-some-length", mode: 0o644) { path in
            #expect(throws: MonitoringError.openToken(file: path)) { try TokenFile(path) }
            #expect(MonitoringError.openToken(file: path).exitCode == .httpTokenRefused)
        }
    }
}
