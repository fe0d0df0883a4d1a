import Diagnostics
import NIOCore
import NIOPosix
import NIOSOCKS
import Synchronization

/// What all connections of a gateway share: its rules, its counts, and whom it tells.
final class GatewayState: Sendable {
    /// Bytes that the system holds of what an end sends; with what the gateway holds, all that one slow reader costs.
    static let receiveBuffer = ChannelOptions.Types.SocketOption.Value(256 << 10)

    let configuration: Gateway.Configuration
    private let names = NIOThreadPool(numberOfThreads: 8)
    private let connections: Int
    private let observer: @Sendable (GatewayEvent) -> Void
    private let tally = Mutex(GatewayCounts())

    init(
        _ configuration: Gateway.Configuration, connections: Int, observer: @escaping @Sendable (GatewayEvent) -> Void
    ) {
        self.configuration = configuration
        self.connections = connections
        self.observer = observer
        names.start()
    }

    /// Ends its threads, when the names are known that are being looked up.
    func close() { try? names.syncShutdownGracefully() }

    var counts: GatewayCounts { tally.withLock { $0 } }

    /// Lets a client in, if there is room.
    func welcome(_ client: any Channel) throws {
        let isFull = tally.withLock { counts in
            counts.connections += 1
            return counts.connections > connections
        }
        client.closeFuture.whenComplete { [self] _ in tally.withLock { $0.connections -= 1 } }
        if isFull {
            refused(.full, client: client.peerName, destination: nil, problem: nil)
            return client.close(promise: nil)
        }
        let socks = SOCKSServerHandshakeHandler()
        try client.pipeline.syncOperations.addHandlers([socks, SOCKSHandshake(self, behind: socks)])
    }

    func allows(_ destination: HostAndPort) -> Bool { configuration.allowed.contains { $0.allows(destination) } }

    /// Reaches out to a destination. Nothing is read from it before somebody asks for that.
    func connection(to destination: HostAndPort, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.socketOption(.so_rcvbuf), value: Self.receiveBuffer)
        if let address = try? SocketAddress(ipAddress: destination.host, port: destination.port) {
            return bootstrap.connect(to: address)
        }
        return bootstrap.resolver(NameResolver(names, eventLoop))
            .connect(host: destination.host, port: destination.port)
    }

    func refused(_ reason: GatewayRefusal, client: String, destination: HostAndPort?, problem: String?) {
        tally.withLock { $0.refused[reason, default: 0] += 1 }
        let place = destination.map { "\($0)" }
        observer(.refused(client: client, destination: place, reason: reason, problem: problem))
    }

    func tell(_ event: GatewayEvent) { observer(event) }

    /// Adds to the bytes of a direction.
    func carried(_ bytes: Int, _ direction: WritableKeyPath<GatewayCounts, Int> & Sendable) {
        tally.withLock { $0[keyPath: direction] += bytes }
    }
}

extension Channel {
    /// Who is at the other end.
    var peerName: String {
        guard let address = remoteAddress, let host = address.ipAddress, let port = address.port else {
            return "unknown"
        }
        return "\(HostAndPort(host: host, port: port))"
    }

    /// Whether bytes are read as they come.
    func reads(_ reads: Bool) { try? syncOptions?.setOption(.autoRead, value: reads) }
}
