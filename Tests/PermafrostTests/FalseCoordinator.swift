import Queueing

/// A socket where roles expect a coordinator: a test answers in its place, byte by byte.
struct FalseCoordinator {
    let endpoint: String
    private let socket: Socket
    private var poller = Poller()

    init() throws {
        socket = try Socket(.router, context: try ZeroMQContext(), options: Self.plain)
        endpoint = try socket.bind("tcp://127.0.0.1:*")
        _ = poller.add(socket)
    }

    /// Waits for the next message of a role, and answers it.
    mutating func answer(_ bytes: [UInt8]) throws {
        var request = try socket.receive()
        while request == nil {
            try poller.wait(milliseconds: 20_000)
            request = try socket.receive()
        }
        _ = try socket.send([Frame(bytes)], to: request?.peer)
    }

    /// How a test opens a socket beside the roles'.
    static var plain: SocketOptions {
        var options = SocketOptions()
        options.security = .insecure
        options.lingerMilliseconds = 0
        return options
    }
}
