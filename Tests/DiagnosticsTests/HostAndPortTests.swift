import Testing

@testable import Diagnostics

@Suite("Hosts with ports")
struct HostAndPortTests {
    @Test(
        "a host with a port is read, with brackets round an address of version 6",
        arguments: [
            ("127.0.0.1:9090", "127.0.0.1", 9090), ("[::1]:0", "::1", 0), ("localhost:80", "localhost", 80),
        ])
    func reading(text: String, host: String, port: Int) throws {
        let address = try #require(HostAndPort(text))
        #expect((address.host, address.port) == (host, port))
        #expect(address.description == text)
    }

    @Test(
        "what is none is refused",
        arguments: ["", "9090", ":9090", "127.0.0.1", "host:x", "host:70000", "::1:80", "[host]:80", "a b:80"])
    func refusing(text: String) { #expect(HostAndPort(text) == nil) }
}
