import Diagnostics
import Dispatch
import NIOCore
import NIOPosix
import Synchronization

/// One port through which devices outside a network reach coordinator and workers inside: a SOCKS 5 proxy (RFC 1928) with a
/// list of where it leads to.
///
/// It has no keys and needs none: CURVE goes from end to end, so that all it sees of a conversation is how long it is. It keeps
/// nothing either. Any number may run beside each other, and clients of one that ends come back through another.
public final class Gateway: Sendable {
    /// What a gateway is told.
    public struct Configuration: Sendable {
        /// Where clients come.
        public var address: HostAndPort
        /// Where they may go.
        public var allowed: [AllowedDestination]
        /// Connections at once; more are refused.
        public var mostConnections = 4096
        /// A client that has not said for longer where it wants to go is sent away.
        public var handshakeTimeout = Duration.seconds(10)
        /// For how long a destination is tried.
        public var connectTimeout = Duration.seconds(5)
        /// A connection without a byte for longer is closed. Heartbeats keep one of Permafrost open.
        public var idleTimeout = Duration.seconds(300)

        /// The usual limits.
        public init(address: HostAndPort, allowed: [AllowedDestination]) {
            self.address = address
            self.allowed = allowed
        }
    }

    /// Where it listens; a port of 0 has become the one that was taken.
    public let address: HostAndPort

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let server: any Channel
    private let state: GatewayState
    private let hasClosed = DispatchSemaphore(value: 0)
    private let isStopping = Atomic(false)

    /// Begins to listen. Blocks the calling thread until it does.
    ///
    /// - Parameters:
    ///   - pulse: beaten by the loop that carries everything.
    ///   - observer: called on that loop.
    /// - Throws: `GatewayError`.
    public init(
        _ configuration: Configuration, pulse: LoopPulse? = nil, observer: @escaping @Sendable (GatewayEvent) -> Void
    ) throws(GatewayError) {
        // A connection has two ends, each an open file.
        let room = max(1, (OpenFiles.raisedLimit - 64) / 2)
        let state = GatewayState(
            configuration, connections: min(configuration.mostConnections, room), observer: observer)
        self.state = state
        let address = configuration.address
        do {
            server = try ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.socketOption(.so_rcvbuf), value: GatewayState.receiveBuffer)
                .serverChannelInitializer { server in
                    // When the system has no more open files, clients wait a second and not in a loop.
                    server.eventLoop.makeCompletedFuture {
                        try server.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                    }
                }
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelInitializer { client in
                    client.eventLoop.makeCompletedFuture { try state.welcome(client) }
                }
                .bind(host: address.host, port: address.port).wait()
        } catch {
            state.close()
            group.shutdownGracefully { _ in }
            throw .cannotListen(address: "\(address)", reason: reason(error))
        }
        self.address = HostAndPort(host: address.host, port: server.localAddress?.port ?? address.port)
        server.closeFuture.whenComplete { [hasClosed] _ in hasClosed.signal() }
        if let pulse {
            server.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .seconds(1)) { _ in pulse.beat() }
        }
        observer(.listening(address: "\(self.address)"))
    }

    /// What it has done so far.
    public var counts: GatewayCounts { state.counts }

    /// Carries until somebody says stop. Blocks the calling thread.
    public func run() {
        hasClosed.wait()
        hasClosed.signal()
        state.close()
        try? group.syncShutdownGracefully()
    }

    /// Closes all connections, and lets `run` return. Callable from any thread.
    public func stop() {
        // Its loop is gone with `run`.
        guard !isStopping.exchange(true, ordering: .relaxed) else { return }
        server.close(promise: nil)
    }
}
