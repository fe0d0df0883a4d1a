import Glibc

/// A system call that failed when a proxy was made.
public struct ProxyFailure: Error, CustomStringConvertible {
    /// The call and the system's reason.
    public let description: String

    init(_ call: String) { description = "\(call) failed: \(String(cString: strerror(errno)))" }
}

/// TCP sockets of this machine as plain file descriptors; none of them ever waits.
enum Descriptors {
    /// - Parameter port: 0 takes a free one.
    static func listen(port: UInt16) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = try make()
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let isBound = withAddress(port: port) { bind(descriptor, $0, $1) == 0 }
        guard isBound, Glibc.listen(descriptor, 1024) == 0 else {
            defer { close(descriptor) }
            throw ProxyFailure("bind or listen")
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else {
            defer { close(descriptor) }
            throw ProxyFailure("getsockname")
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// A connection that may still be under way.
    static func connect(port: UInt16) throws -> Int32 {
        let descriptor = try make()
        let isUnderWay = withAddress(port: port) { Glibc.connect(descriptor, $0, $1) == 0 || errno == EINPROGRESS }
        guard isUnderWay else {
            defer { close(descriptor) }
            throw ProxyFailure("connect")
        }
        return descriptor
    }

    static func accept(_ listener: Int32) -> Int32? {
        let descriptor = accept4(listener, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
        guard descriptor >= 0 else { return nil }
        sendAtOnce(descriptor)
        return descriptor
    }

    /// Ends a connection so that the other side sees a reset.
    static func reset(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
    }

    private static func make() throws -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw ProxyFailure("socket") }
        sendAtOnce(descriptor)
        return descriptor
    }

    private static func sendAtOnce(_ descriptor: Int32) {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func withAddress<Result>(
        port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
