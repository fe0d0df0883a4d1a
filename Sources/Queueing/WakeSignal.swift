import Glibc

/// Wakes a thread that waits in a `Poller`: the one way to reach a socket's thread from another thread.
///
/// Signals between two drains count as one.
public final class WakeSignal: Sendable {
    /// Becomes readable with the first signal and stays so until `drain()`.
    public let fileDescriptor: Int32
    private let writeDescriptor: Int32

    /// - Throws: `TransportError.wakeSignalFailed` when no file can be opened.
    public init() throws(TransportError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .wakeSignalFailed(reason: String(cString: strerror(errno))) }
        fileDescriptor = ends[0]
        writeDescriptor = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(fileDescriptor)
        close(writeDescriptor)
    }

    /// Wakes the waiting thread, now or when it next waits. Callable from any thread.
    public func signal() {
        var byte: UInt8 = 1
        // A full pipe is a signal already.
        while write(writeDescriptor, &byte, 1) < 0, errno == EINTR {}
    }

    /// Takes all signals so far.
    ///
    /// - Returns: whether there was any.
    @discardableResult
    public func drain() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 256)
        var isSignalled = false
        while true {
            let count = read(fileDescriptor, &bytes, bytes.count)
            if count > 0 {
                isSignalled = true
            } else if count == 0 || errno != EINTR {
                return isSignalled
            }
        }
    }
}
