import Glibc

/// A TCP connection to this machine on which a test says what it likes. It is closed with its last reference.
final class RawConnection {
    /// What a ZMTP 3.1 client with CURVE says first.
    static let greeting: [UInt8] =
        [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1] + Array("CURVE".utf8) + Array(repeating: 0, count: 47)

    private let descriptor: Int32

    struct Failure: Error {
        let call: String
        let number: Int32
    }

    /// - Parameter endpoint: `tcp://…:PORT`.
    init(_ endpoint: String) throws {
        guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw Failure(call: "port", number: EINVAL)
        }
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(call: "socket", number: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(call: "connect", number: errno) }
    }

    deinit { close(descriptor) }

    /// What the other side no longer takes is of no interest.
    func send(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Says what somebody else has said over ZMTP 3.1, and waits in the handshake for answers as that one did.
    ///
    /// - Returns: whether the other side has answered to all of the handshake.
    func replay(_ recording: [UInt8]) -> Bool {
        var rest = recording[...]
        send(rest.prefix(Self.greeting.count))
        rest = rest.dropFirst(Self.greeting.count)
        var isAnswered = receive(Self.greeting.count) != nil
        let hasKeys = recording.dropFirst(12).starts(with: Array("CURVE".utf8))
        for _ in 0..<(hasKeys ? 2 : 1) {
            let command = rest.prefix(Self.frameLength(rest))
            rest = rest.dropFirst(command.count)
            send(command)
            isAnswered = isAnswered && receive(2).flatMap { receive(Int($0[1])) } != nil
        }
        send(rest)
        return isAnswered
    }

    /// Of the frame with which some bytes begin. What is longer than 255 bytes says so in eight bytes.
    private static func frameLength(_ bytes: ArraySlice<UInt8>) -> Int {
        let isLong = bytes.first.map { $0 & 2 != 0 } ?? false
        return bytes.dropFirst().prefix(isLong ? 8 : 1).reduce(0) { $0 << 8 | Int($1) } + (isLong ? 9 : 2)
    }

    /// So many bytes; nil when the other side has none left to say.
    private func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count ? bytes : nil
    }
}
