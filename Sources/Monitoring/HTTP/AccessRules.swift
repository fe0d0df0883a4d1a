import Diagnostics
import Foundation

/// Which requests are meant for this process and no other: a page elsewhere must not be able to speak to it through a
/// visitor's browser, whatever its name resolves to.
public struct AccessRules: Sendable, Equatable {
    private let names: Set<String>

    /// Requests for an address of this machine, for the host that is listened to, and for further names.
    public init(listening: HostAndPort, names: [String] = []) {
        self.names = Set((names + [listening.host, "localhost"]).map { $0.lowercased() })
    }

    /// Whether a request's `Host` is this process. A plain address is: no name that was made to point here has that form.
    func allows(host: String?) -> Bool {
        guard let host = host.flatMap(Self.name) else { return false }
        return names.contains(host) || Self.isAddress(host)
    }

    /// Whether a request comes from a page of this process, or from no page.
    func allows(origin: String?, host: String?) -> Bool {
        guard let origin else { return true }
        guard let host, let scheme = ["http://", "https://"].first(where: origin.hasPrefix) else { return false }
        return origin.dropFirst(scheme.count).lowercased() == host.lowercased()
    }

    /// The host of a `Host`, without port and brackets; nil when it is none.
    private static func name(_ host: String) -> String? {
        let host = host.lowercased()
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]"), isPort(host[host.index(after: end)...]) else { return nil }
            return String(host[host.index(after: host.startIndex)..<end])
        }
        let parts = host.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, isPort(host.dropFirst(name.count)) else { return nil }
        return String(name)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || text.first == ":" && UInt16(text.dropFirst()) != nil
    }

    private static func isAddress(_ host: String) -> Bool {
        var four = in_addr(), six = in6_addr()
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }
}
