import CZeroMQ

/// The ZeroMQ threads that move bytes. One per process; `inproc://` endpoints meet only within one context.
///
/// It ends with its last reference. Sockets hold one, so none is open by then; ending waits for their linger time.
///
/// Unchecked, because ZeroMQ contexts are thread safe and the handle never changes.
public final class ZeroMQContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    /// - Parameter ioThreads: threads for transports other than `inproc://`. One moves about a gigabyte per second.
    /// - Throws: `TransportError.contextFailed`.
    public init(ioThreads: Int = 1) throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw .contextFailed(reason: lastZeroMQReason()) }
        guard zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(clamping: ioThreads)) == 0 else {
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
