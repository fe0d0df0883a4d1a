import CZeroMQ

/// Waits for several sockets and file descriptors at once, on their thread.
public struct Poller {
    /// What to wait for.
    public struct Events: OptionSet, Sendable {
        /// ZeroMQ's own bits.
        public let rawValue: Int16

        /// ZeroMQ's own numbers.
        public init(rawValue: Int16) { self.rawValue = rawValue }

        /// A message or byte can be received.
        public static let readable = Events(rawValue: Int16(ZMQ_POLLIN))
        /// A message can be sent.
        public static let writable = Events(rawValue: Int16(ZMQ_POLLOUT))
    }

    /// A socket or file descriptor in a poller.
    public struct Source: Sendable, Hashable {
        fileprivate let index: Int
    }

    private var items: [zmq_pollitem_t] = []
    /// Kept open, for their handles are in `items`.
    private var sockets: [Socket] = []

    /// A poller that waits for nothing yet.
    public init() {}

    /// Waits for a socket from now on.
    public mutating func add(_ socket: Socket, for events: Events = .readable) -> Source {
        sockets.append(socket)
        items.append(zmq_pollitem_t(socket: socket.pollHandle, fd: -1, events: events.rawValue, revents: 0))
        return Source(index: items.count - 1)
    }

    /// Waits for a file descriptor, such as that of a `WakeSignal`, from now on. The caller keeps it open.
    public mutating func add(fileDescriptor: Int32, for events: Events = .readable) -> Source {
        items.append(zmq_pollitem_t(socket: nil, fd: fileDescriptor, events: events.rawValue, revents: 0))
        return Source(index: items.count - 1)
    }

    /// Changes what a source is waited for. A socket is nearly always writable: ask only after a send returned false.
    public mutating func setEvents(_ events: Events, of source: Source) {
        items[source.index].events = events.rawValue
    }

    /// Waits until a source is ready, the time is over or a Unix signal comes; the latter two leave none ready.
    ///
    /// - Parameter milliseconds: 0 returns at once, nil waits for ever.
    /// - Throws: `TransportError.pollFailed`, for instance when a socket was closed.
    public mutating func wait(milliseconds: Int?) throws(TransportError) {
        for index in items.indices { items[index].revents = 0 }
        guard zmq_poll(&items, Int32(items.count), milliseconds.map { max(0, $0) } ?? -1) >= 0 || zmq_errno() == EINTR
        else { throw .pollFailed(reason: lastZeroMQReason()) }
    }

    /// What the last wait found.
    public func ready(_ source: Source) -> Events { Events(rawValue: items[source.index].revents) }
}
