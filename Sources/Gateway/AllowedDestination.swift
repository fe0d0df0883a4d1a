import Diagnostics
import Glibc

/// Where a gateway lets its clients go, such as `coordinator:7070` or `worker-*.workers:7071`.
///
/// `*` stands for any characters of a name but a dot, so that what is allowed within one domain never is a name of another, and
/// never for those of an address, however that is written: an address is allowed as it is, or not at all.
public struct AllowedDestination: Sendable, Hashable, CustomStringConvertible {
    private let pattern: HostAndPort

    /// Nil for a text that is no host with a port.
    public init?(_ text: String) {
        guard let pattern = HostAndPort(text), pattern.port > 0, !pattern.host.contains(where: "/?[".contains) else {
            return nil
        }
        self.pattern = pattern
    }

    /// As it was given.
    public var description: String { "\(pattern)" }

    /// Whether a client may go there. Names are compared as they are given: nothing is resolved.
    public func allows(_ destination: HostAndPort) -> Bool {
        let host = destination.host.lowercased(), allowed = pattern.host.lowercased()
        guard destination.port == pattern.port else { return false }
        guard host != allowed else { return true }
        guard !host.contains("/"), !Self.isAddress(host) else { return false }
        // In a path a star does not stand for what separates its parts.
        return fnmatch(Self.path(allowed), Self.path(host), FNM_PATHNAME | FNM_NOESCAPE) == 0
    }

    private static func path(_ host: String) -> String { host.replacing(".", with: "/") }

    /// Also of the forms that only old programs write: one number, hexadecimal, fewer than four parts.
    private static func isAddress(_ host: String) -> Bool {
        var four = in_addr()
        return host.contains(":") || inet_aton(host, &four) != 0
    }
}
