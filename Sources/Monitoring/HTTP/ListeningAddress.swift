/// A host and a port to listen on: `127.0.0.1:9090`, `[::1]:9090`, `0.0.0.0:0`.
public struct ListeningAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or an address, without brackets.
    public let host: String
    /// 0 takes a free one.
    public let port: Int

    /// - Throws: `MonitoringError.noAddress`.
    public init(_ text: String) throws(MonitoringError) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), let host = Self.host(text[..<colon])
        else { throw .noAddress(text) }
        self.init(host: host, port: port)
    }

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    private static func host(_ text: Substring) -> String? {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text
        // Without brackets nobody could tell where an address of version 6 ends.
        guard !bare.isEmpty, bare.contains(":") == (bare != text) else { return nil }
        return bare.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? String(bare) : nil
    }

    /// Whether it stands for every address of the machine.
    var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    /// Whether nobody but this machine reaches it.
    public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// As it is written in a URL.
    public var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
