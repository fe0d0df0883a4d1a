import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Looks one name up on a pool of threads, so that a name that takes long keeps nobody else waiting.
final class NameResolver: Resolver, Sendable {
    private let pool: NIOThreadPool
    private let eventLoop: any EventLoop
    private let isWanted = Atomic(true)

    init(_ pool: NIOThreadPool, _ eventLoop: any EventLoop) {
        self.pool = pool
        self.eventLoop = eventLoop
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { query(host, port, AF_INET) }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { query(host, port, AF_INET6) }

    /// What has not begun yet is left undone.
    func cancelQueries() { isWanted.store(false, ordering: .relaxed) }

    private func query(_ host: String, _ port: Int, _ family: Int32) -> EventLoopFuture<[SocketAddress]> {
        pool.runIfActive(eventLoop: eventLoop) { [self] in
            isWanted.load(ordering: .relaxed) ? Self.addresses(of: host, port, family) : []
        }
    }

    private static func addresses(of host: String, _ port: Int, _ family: Int32) -> [SocketAddress] {
        var hints = addrinfo(), first: UnsafeMutablePointer<addrinfo>?
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        guard getaddrinfo(host, "\(port)", &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        return sequence(first: first) { $0?.pointee.ai_next }.compactMap { entry in
            guard let address = entry?.pointee.ai_addr else { return nil }
            let bytes = UnsafeRawPointer(address)
            return family == AF_INET
                ? SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
                : SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self))
        }
    }
}
