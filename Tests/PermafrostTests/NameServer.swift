import Foundation
import Glibc
import Synchronization

/// A name server that a test can let fail: it knows one name of this machine, or nothing at all.
final class NameServer: Sendable {
    /// Beside 127.0.0.1, so that it is nobody's. Port 53 needs root.
    static let address = "127.53.0.1"

    private struct State {
        var isFailing = true
        var failures = 0
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// Whether there can be one here.
    static let isPossible = {
        let server = NameServer()
        server?.stop()
        return server != nil
    }()

    /// Nil where its address cannot be taken.
    init?() {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(53).bigEndian
        address.sin_addr.s_addr = inet_addr(Self.address)
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return nil
        }
        let thread = Thread { [self] in
            while answerNext() {}
            ended.signal()
        }
        thread.name = "name server"
        thread.start()
    }

    /// Ends its thread.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        ended.wait()
        close(descriptor)
    }

    /// Lets it fail from now on, or answer.
    func setFailing(_ isFailing: Bool) { state.withLock { $0 = State(isFailing: isFailing) } }

    /// Waits until it has left so many questions unanswered since `setFailing`.
    func hasFailed(_ count: Int, within seconds: Double) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if state.withLock(\.failures) >= count { return true }
            usleep(5000)
        }
        return false
    }

    private func answerNext() -> Bool {
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var bytes = [UInt8](repeating: 0, count: 512)
        return withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let count = recvfrom(descriptor, &bytes, bytes.count, 0, address, &length)
                guard count > 0 else { return false }
                let answer = answer(to: Array(bytes.prefix(count)))
                _ = sendto(descriptor, answer, answer.count, 0, address, length)
                return true
            }
        }
    }

    /// RFC 1035, 4.1: the question once more, and an address of 127.0.0.1 unless it was for another kind of record.
    private func answer(to query: [UInt8]) -> [UInt8] {
        guard query.count > 16, let nameEnd = query[12...].firstIndex(of: 0), query.count >= nameEnd + 5 else {
            return []
        }
        let isFailing = state.withLock { state in
            if state.isFailing { state.failures += 1 }
            return state.isFailing
        }
        let question = query[12..<(nameEnd + 5)]
        let isAddress = query[nameEnd + 2] == 1 && !isFailing
        let header: [UInt8] = query[0...1] + [0x81, isFailing ? 0x82 : 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0]
        let record: [UInt8] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]
        return header + question + (isAddress ? record : [])
    }
}
