import CZeroMQ
import Diagnostics
import Glibc

/// The ZeroMQ threads that move bytes. One per process; `inproc://` endpoints meet only within one context.
///
/// It ends with its last reference. Sockets hold one, so none is open by then; ending waits for their linger time.
///
/// Unchecked, because ZeroMQ contexts are thread safe and the handle never changes.
public final class ZeroMQContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    /// Through which gateway sockets of this context reach out over TCP; nil for none.
    let gateway: HostAndPort?

    /// Sockets within one process: a thousand simulated devices have several each.
    private static let mostSockets: Int32 = 16_384

    /// Lets the allocator keep the memory of received frames for the next ones. By itself it gives everything above some
    /// hundred kilobytes back at once, and the system has to find fresh pages for the next frame: a third of a transfer's
    /// time. Larger frames are mapped one by one, and what is kept is less than the 64 MiB that a role may take.
    static let keepsFreedFrames: Void = {
        mallopt(M_MMAP_THRESHOLD, 4 << 20)
        mallopt(M_TRIM_THRESHOLD, 32 << 20)
    }()

    /// - Parameters:
    ///   - ioThreads: threads for transports other than `inproc://`. One moves about a gigabyte per second.
    ///   - gateway: through which sockets that connect over TCP reach their endpoints: a SOCKS 5 proxy, which also resolves
    ///     their names.
    /// - Throws: `TransportError.contextFailed`.
    public init(ioThreads: Int = 1, gateway: HostAndPort? = nil) throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw .contextFailed(reason: lastZeroMQReason()) }
        _ = OpenFiles.raisedLimit
        guard zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(clamping: ioThreads)) == 0,
            zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, Self.mostSockets) == 0
        else {
            let reason = lastZeroMQReason()
            zmq_ctx_term(handle)
            throw .contextFailed(reason: reason)
        }
        self.handle = handle
        self.gateway = gateway
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
