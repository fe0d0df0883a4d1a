/// A host and a port: `127.0.0.1:9090`, `[::1]:9090`, `worker-1.lan:7071`.
public struct HostAndPort: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address, without brackets.
    public let host: String
    /// From 0 to 65,535; whoever listens on 0 takes a free one.
    public let port: Int

    /// Nil for a text that is none.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), let host = Self.host(text[..<colon])
        else { return nil }
        self.init(host: host, port: port)
    }

    /// A host without brackets, and a port that is one.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    private static func host(_ text: Substring) -> String? {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text
        // Without brackets nobody could tell where an address of version 6 ends.
        guard !bare.isEmpty, bare.contains(":") == (bare != text) else { return nil }
        return bare.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? String(bare) : nil
    }

    /// Whether nobody but this machine reaches it.
    public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// As it is written in a URL.
    public var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
