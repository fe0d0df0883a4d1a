import Diagnostics
import NIOCore
import NIOSOCKS
import Synchronization

/// What all connections of a gateway share: its rules, its counts, and whom it tells.
final class Desk: Sendable {
    let configuration: Gateway.Configuration
    private let connections: Int
    private let observer: @Sendable (GatewayEvent) -> Void
    private let state = Mutex(GatewayCounts())

    init(
        _ configuration: Gateway.Configuration, connections: Int, observer: @escaping @Sendable (GatewayEvent) -> Void
    ) {
        self.configuration = configuration
        self.connections = connections
        self.observer = observer
    }

    var counts: GatewayCounts { state.withLock { $0 } }

    /// Lets a client in, if there is room.
    func welcome(_ client: any Channel) throws {
        let isFull = state.withLock { counts in
            counts.connections += 1
            return counts.connections > connections
        }
        client.closeFuture.whenComplete { [self] _ in state.withLock { $0.connections -= 1 } }
        if isFull {
            refused(.full, client: client.peerName, destination: nil)
            return client.close(promise: nil)
        }
        let socks = SOCKSServerHandshakeHandler()
        try client.pipeline.syncOperations.addHandlers([socks, Reception(desk: self, behind: socks)])
    }

    func allows(_ destination: HostAndPort) -> Bool { configuration.allowed.contains { $0.allows(destination) } }

    func refused(_ reason: GatewayRefusal, client: String, destination: HostAndPort?) {
        state.withLock { $0.refused[reason, default: 0] += 1 }
        observer(.refused(client: client, destination: destination.map { "\($0)" }, reason: reason))
    }

    func tell(_ event: GatewayEvent) { observer(event) }

    /// Adds to the bytes of a direction.
    func carried(_ bytes: Int, _ direction: WritableKeyPath<GatewayCounts, Int> & Sendable) {
        state.withLock { $0[keyPath: direction] += bytes }
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
}
