import Glibc
import Randomness

/// A bare TCP socket of this machine that speaks whatever a test wants.
final class Stranger {
    let descriptor: Int32
    private(set) var endpoint = ""

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// A connection to an endpoint `tcp://…:PORT`; nil when the system has none left.
    static func connected(to endpoint: String) -> Stranger? {
        let stranger = Stranger(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        guard stranger.descriptor >= 0, let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            return nil
        }
        return withAddress(port) { connect(stranger.descriptor, $0, $1) == 0 } ? stranger : nil
    }

    static func listening() throws -> Stranger {
        let stranger = Stranger(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        _ = fcntl(stranger.descriptor, F_SETFL, O_NONBLOCK)
        guard withAddress(0, { bind(stranger.descriptor, $0, $1) == 0 }), listen(stranger.descriptor, 16) == 0 else {
            throw NoSocket()
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(stranger.descriptor, $0, &length) }
        }
        stranger.endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        return stranger
    }

    struct NoSocket: Error {}

    /// Accepts whoever waits, says something and ends.
    ///
    /// - Returns: how many came.
    func answerAll(with bytes: [UInt8]) -> Int {
        var visits = 0
        while true {
            let visitor = accept(descriptor, nil, nil)
            guard visitor >= 0 else { return visits }
            _ = send(visitor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            shutdown(visitor, Int32(SHUT_WR))
            visitors.append(Stranger(visitor))
            visits += 1
        }
    }

    private var visitors: [Stranger] = []

    /// Says something, as far as the other side takes it.
    @discardableResult
    func say(_ bytes: [UInt8]) -> Bool { send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count }

    private static func withAddress<Result>(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
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

/// What a peer says over ZMTP 3.0, piece by piece.
enum ZMTP {
    /// Who speaks, and by which mechanism.
    static func greeting(_ mechanism: String) -> [UInt8] {
        let name = Array(mechanism.utf8)
        return [0xFF] + [UInt8](repeating: 0, count: 7) + [1, 0x7F, 3, 0] + name
            + [UInt8](repeating: 0, count: 20 - name.count + 1 + 31)
    }

    /// The end of a handshake without keys.
    static let ready = command("READY", property("Socket-Type", "DEALER") + property("Identity", ""))

    /// The beginning of one with keys: the form is right, the box is not.
    static func curveHello(_ generator: inout SeededGenerator) -> [UInt8] {
        let noise = (0..<120).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return command("HELLO", [1, 0] + [UInt8](repeating: 0, count: 72) + noise)
    }

    static func message(_ body: [UInt8], more: Bool = false) -> [UInt8] {
        let flag: UInt8 = more ? 1 : 0
        guard body.count > 255 else { return [flag, UInt8(body.count)] + body }
        return [flag | 2] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: body.count >> ($0 * 8)) } + body
    }

    static func command(_ name: String, _ body: [UInt8]) -> [UInt8] {
        let bytes = [UInt8(name.utf8.count)] + name.utf8 + body
        return [4, UInt8(bytes.count)] + bytes
    }

    private static func property(_ name: String, _ value: String) -> [UInt8] {
        [UInt8(name.utf8.count)] + name.utf8 + [0, 0, 0, UInt8(value.utf8.count)] + value.utf8
    }
}
