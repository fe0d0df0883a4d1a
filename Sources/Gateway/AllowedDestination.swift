import Diagnostics
import Glibc

/// Where a gateway lets its clients go, such as `coordinator:7070` or `worker-*.workers:7071`.
///
/// `*` stands for any characters but a dot, so that what is allowed within one domain never is a name of another.
public struct AllowedDestination: Sendable, Hashable, CustomStringConvertible {
    private let pattern: HostAndPort

    /// Nil for a text that is no host with a port.
    public init?(_ text: String) {
        guard let pattern = HostAndPort(text), pattern.port > 0, !pattern.host.contains("/") else { return nil }
        self.pattern = pattern
    }

    /// As it was given.
    public var description: String { "\(pattern)" }

    /// Whether a client may go there. Names are compared as they are given: nothing is resolved.
    public func allows(_ destination: HostAndPort) -> Bool {
        guard destination.port == pattern.port, !destination.host.contains("/") else { return false }
        // In a path a star does not stand for what separates its parts.
        return fnmatch(Self.path(pattern.host), Self.path(destination.host), FNM_PATHNAME | FNM_NOESCAPE) == 0
    }

    private static func path(_ host: String) -> String { host.lowercased().replacing(".", with: "/") }
}
