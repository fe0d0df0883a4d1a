import CZeroMQ
import Glibc

/// The ZeroMQ threads that move bytes. One per process; `inproc://` endpoints meet only within one context.
///
/// It ends with its last reference. Sockets hold one, so none is open by then; ending waits for their linger time.
///
/// Unchecked, because ZeroMQ contexts are thread safe and the handle never changes.
public final class ZeroMQContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    /// Sockets within one process: a thousand simulated devices have several each.
    private static let mostSockets: Int32 = 16_384

    /// Every connection is an open file, and the soft limit of a login is often 1024.
    private static let raisedFileLimit: Void = {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }()

    /// Lets the allocator keep the memory of received frames for the next ones. By itself it gives everything above some
    /// hundred kilobytes back at once, and the system has to find fresh pages for the next frame: a third of a transfer's
    /// time. Larger frames are mapped one by one, and what is kept is less than the 64 MiB that a role may take.
    static let keepsFreedFrames: Void = {
        mallopt(M_MMAP_THRESHOLD, 4 << 20)
        mallopt(M_TRIM_THRESHOLD, 32 << 20)
    }()

    /// - Parameter ioThreads: threads for transports other than `inproc://`. One moves about a gigabyte per second.
    /// - Throws: `TransportError.contextFailed`.
    public init(ioThreads: Int = 1) throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw .contextFailed(reason: lastZeroMQReason()) }
        _ = Self.raisedFileLimit
        guard zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(clamping: ioThreads)) == 0,
            zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, Self.mostSockets) == 0
        else {
            let reason = lastZeroMQReason()
            zmq_ctx_term(handle)
            throw .contextFailed(reason: reason)
        }
        self.handle = handle
    }

    deinit {
        while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }
}

/// The version of the transport library.
public func transportLibraryDescription() -> String {
    var major: Int32 = 0, minor: Int32 = 0, patch: Int32 = 0
    zmq_version(&major, &minor, &patch)
    return "ZeroMQ \(major).\(minor).\(patch)"
}
