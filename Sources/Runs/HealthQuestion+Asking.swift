import Diagnostics
import Foundation

extension HealthQuestion {
    /// Asks over one connection, and waits at most so long for each of connecting, sending and every part of the answer.
    ///
    /// Sockets of the system, and not Foundation's networking, which would be most of a static binary for one request.
    ///
    /// - Returns: the first line of the answer's text.
    /// - Throws: `HealthError`.
    public func ask(timeoutSeconds: Int) throws(HealthError) -> String {
        let connection = try connect(timeoutSeconds: timeoutSeconds)
        defer { close(connection) }
        let request = request
        guard send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw unreachable(errno)
        }
        var answer: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while answer.count < Self.maximumBytes {
            let count = recv(connection, &part, part.count, 0)
            if count < 0, errno == EINTR { continue }
            // A server that answers and then cuts off has answered.
            guard count > 0 else {
                if count < 0, answer.isEmpty { throw unreachable(errno) }
                break
            }
            answer += part.prefix(count)
        }
        return try read(answer)
    }

    /// A connection to the first of the host's addresses that takes one.
    private func connect(timeoutSeconds: Int) throws(HealthError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &found)
        guard code == 0 else { throw .unreachable(url: url, reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(found) }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        var failure = ENOENT
        var next = found
        while let address = next?.pointee {
            let connection = socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            // Linux bounds connecting by the time for sending.
            if connection >= 0, setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, size) == 0,
                setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, size) == 0,
                Glibc.connect(connection, address.ai_addr, address.ai_addrlen) == 0
            {
                return connection
            }
            failure = errno
            if connection >= 0 { close(connection) }
            next = address.ai_next
        }
        throw unreachable(failure)
    }

    private func unreachable(_ number: Int32) -> HealthError {
        let isLate = number == EAGAIN || number == EINPROGRESS
        return .unreachable(url: url, reason: isLate ? "no answer in time" : String(cString: strerror(number)))
    }
}
