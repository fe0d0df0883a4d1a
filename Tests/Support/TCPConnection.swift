import Foundation

/// One end of a TCP connection on this machine, byte by byte. Every call waits at most as long as was said at first.
public final class TCPConnection: Sendable {
    private let descriptor: Int32

    fileprivate init(_ descriptor: Int32, seconds: Int) {
        self.descriptor = descriptor
        var patience = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// A connection to a port of 127.0.0.1; nil when nobody listens there.
    public convenience init?(port: UInt16, seconds: Int = 20) {
        self.init(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), seconds: seconds)
        let isConnected = withLocalAddress(port) { connect(descriptor, $0, $1) == 0 }
        guard isConnected else { return nil }
    }

    deinit { close(descriptor) }

    /// Sends bytes.
    ///
    /// - Returns: how many the system took.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    /// Says that nothing more is sent.
    public func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What comes next; nil at the end of the connection, or when nothing came.
    public func read(most: Int = 65_536) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: most)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    /// The next so many bytes; fewer at the end of the connection, or when no more came.
    public func read(exactly count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, let piece = read(most: count - bytes.count) { bytes += piece }
        return bytes
    }
}

/// Waits on a port of 127.0.0.1 for connections.
public final class TCPListener: Sendable {
    /// The port.
    public let port: UInt16
    private let descriptor: Int32

    /// Begins to listen, on a port that is free if none is named; nil when the system does not let it.
    public init?(port: UInt16 = 0) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let isListening = withLocalAddress(port) { bind(descriptor, $0, $1) == 0 } && listen(descriptor, 16) == 0
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        self.port = UInt16(bigEndian: address.sin_port)
        guard isListening else { return nil }
    }

    deinit { close(descriptor) }

    /// The next who connects; nil when nobody has within so many seconds.
    public func accept(seconds: Int = 20) -> TCPConnection? {
        var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&event, 1, Int32(seconds * 1000)) == 1 else { return nil }
        let connection = Glibc.accept(descriptor, nil, nil)
        return connection >= 0 ? TCPConnection(connection, seconds: seconds) : nil
    }
}

private func withLocalAddress<Result>(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = port.bigEndian
    return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
