import Diagnostics
import Testing

@testable import Gateway

@Suite("Where a gateway leads to")
struct AllowedDestinationTests {
    @Test(
        "a name or address with its port is allowed, with a star within one part of a name",
        arguments: [
            ("coordinator:7070", "coordinator:7070"), ("Coordinator.lan:7070", "coordinator.LAN:7070"),
            ("worker-*:7071", "worker-12:7071"), ("worker-*:7071", "worker-:7071"),
            ("worker-*.workers:7071", "worker-3.workers:7071"), ("*.workers:7071", "worker-3.workers:7071"),
            ("10.0.0.7:7071", "10.0.0.7:7071"), ("[::1]:7070", "[::1]:7070"), ("*:7071", "0x7f-1:7071"),
        ])
    func allowed(pattern: String, destination: String) throws {
        let allowed = try #require(AllowedDestination(pattern))
        #expect(allowed.allows(try #require(HostAndPort(destination))))
        #expect(allowed.description == pattern)
    }

    @Test(
        "another port, another name, or a name of another domain is not",
        arguments: [
            ("coordinator:7070", "coordinator:7071"), ("coordinator:7070", "coordinator.evil.example:7070"),
            ("worker-*:7071", "worker-1.evil.example:7071"), ("*.workers:7071", "a.b.workers:7071"),
            ("*.workers:7071", "workers:7071"), ("worker-*.workers:7071", "worker-1/workers:7071"),
            ("*:80", "127.0.0.1:80"), ("10.0.0.*:80", "10.0.0.7:80"), ("*:80", "a/b:80"), ("*:80", "2130706433:80"),
            ("*:80", "0x7f000001:80"), ("*:80", "[fd00::1]:80"), ("*:80", "[::ffff:a00:1]:80"), ("*.*:80", "127.1:80"),
        ])
    func notAllowed(pattern: String, destination: String) throws {
        let destination = try #require(HostAndPort(destination))
        #expect(try !#require(AllowedDestination(pattern)).allows(destination))
    }

    @Test(
        "what is no host with a port is none",
        arguments: ["", "coordinator", "coordinator:0", "a/b:1", ":7070", "a?:1", "a[bc]:1"])
    func none(text: String) { #expect(AllowedDestination(text) == nil) }
}
