import Diagnostics
import Dispatch
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves a site on a thread of its own, beside the role's.
public final class HTTPService: Sendable {
    /// What clients may take up.
    struct Limits: Sendable {
        /// More connections wait until one of these is closed; a few that come at once are let in together.
        var connections = 256
        /// A connection on which nothing comes for longer is closed.
        var idleTimeout = Duration.seconds(30)
        /// Whoever does not read a piece of a state for so long is cut off.
        var readTimeout = Duration.seconds(30)
        /// Bytes of a request's headers.
        var headerBytes = 16 << 10
    }

    /// Where it listens; a port of 0 has become the one that was taken.
    public let address: HostAndPort
    private let group: MultiThreadedEventLoopGroup
    private let task: Task<Void, Never>
    private let ended: DispatchSemaphore

    /// Begins to listen. Blocks the calling thread until it does.
    ///
    /// - Throws: `MonitoringError.cannotListen`.
    public convenience init(_ site: Site, at address: HostAndPort) throws(MonitoringError) {
        try self.init(site, at: address, limits: Limits())
    }

    init(_ site: Site, at address: HostAndPort, limits: Limits) throws(MonitoringError) {
        let started = Mutex<Result<Int, any Error>?>(nil)
        let hasStarted = DispatchSemaphore(value: 0), ended = DispatchSemaphore(value: 0)
        let tell = { @Sendable (result: Result<Int, any Error>) in
            started.withLock { $0 = $0 ?? result }
            hasStarted.signal()
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        task = Task.detached(executorPreference: QueueExecutor()) {
            do {
                try await Self.server(site, address, limits, group) { channel in
                    tell(.success(channel.localAddress?.port ?? address.port))
                }.run()
            } catch {
                tell(.failure(error))
            }
            ended.signal()
        }
        hasStarted.wait()
        self.group = group
        self.ended = ended
        switch started.withLock({ $0 }) {
        case .success(let port): self.address = HostAndPort(host: address.host, port: port)
        case .failure(let error):
            self.address = address
            group.shutdownGracefully { _ in }
            throw .cannotListen(address: "\(address)", reason: Self.reason(error))
        case nil:
            self.address = address
            group.shutdownGracefully { _ in }
            throw .cannotListen(address: "\(address)", reason: "the server did not start")
        }
    }

    /// Closes all connections. Blocks the calling thread for a moment.
    public func stop() {
        task.cancel()
        _ = ended.wait(timeout: .now() + .seconds(2))
        group.shutdownGracefully { _ in }
    }

    private static func reason(_ error: any Error) -> String {
        (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
    }

    private static func server(
        _ site: Site, _ address: HostAndPort, _ limits: Limits, _ group: any EventLoopGroup,
        isListening: @escaping @Sendable (any Channel) async -> Void
    ) throws -> any Service {
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes, maxHeaderFieldCount: 100)
        let logger = Logger(label: "http") { _ in SwiftLogNoOpLogHandler() }
        return try HTTPServerBuilder.http1(
            configuration: .init(idleTimeout: TimeAmount(limits.idleTimeout), httpDecoderConfiguration: decoder)
        ).buildServer(
            configuration: ServerConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
            eventLoopGroup: group, logger: logger,
            responder: {
                try await HTTPExchange(site: site, request: $0, channel: $2, readTimeout: limits.readTimeout).answer($1)
            },
            onServerRunning: isListening)
    }
}
