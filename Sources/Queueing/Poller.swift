import CZeroMQ

/// Waits for several sockets, links and file descriptors at once, on their thread.
public struct Poller {
    /// What to wait for.
    public struct Events: OptionSet, Sendable {
        /// ZeroMQ's own bits.
        public let rawValue: Int16

        /// ZeroMQ's own numbers.
        public init(rawValue: Int16) { self.rawValue = rawValue }

        /// A message or byte can be received, or a link has an event.
        public static let readable = Events(rawValue: Int16(ZMQ_POLLIN))
        /// A message can be sent.
        public static let writable = Events(rawValue: Int16(ZMQ_POLLOUT))
    }

    /// A socket, link or file descriptor in a poller.
    public struct Source: Sendable, Hashable {
        fileprivate let index: Int
    }

    /// Kept open, and asked for its handle before every wait: a link's socket changes.
    private enum Watched {
        case socket(Socket)
        case link(Link)
        /// Follows the item of its link.
        case connections(Link)
        case fileDescriptor
    }

    private var watched: [Watched] = []
    private var items: [zmq_pollitem_t] = []

    /// A poller that waits for nothing yet.
    public init() {}

    /// Waits for a socket from now on.
    public mutating func add(_ socket: Socket, for events: Events = .readable) -> Source {
        add(.socket(socket), events)
    }

    /// Waits for a link from now on: for messages on the socket that it has by then, and for its events.
    public mutating func add(_ link: Link, for events: Events = .readable) -> Source {
        let source = add(.link(link), events)
        _ = add(.connections(link), .readable)
        return source
    }

    /// Waits for a file descriptor, such as that of a `WakeSignal`, from now on. The caller keeps it open.
    public mutating func add(fileDescriptor: Int32, for events: Events = .readable) -> Source {
        add(.fileDescriptor, events, fileDescriptor: fileDescriptor)
    }

    /// Changes what a source is waited for. A socket is nearly always writable: ask only after a send returned false.
    public mutating func setEvents(_ events: Events, of source: Source) {
        items[source.index].events = events.rawValue
    }

    /// Waits until a source is ready, the time is over or a Unix signal comes; the latter two leave none ready.
    ///
    /// - Parameter milliseconds: 0 returns at once, nil waits for ever.
    /// - Throws: `TransportError.pollFailed`, or `.socketClosed`.
    public mutating func wait(milliseconds: Int?) throws(TransportError) {
        for index in items.indices {
            items[index].revents = 0
            switch watched[index] {
            case .socket(let socket): items[index].socket = try socket.openHandle()
            // Without a socket there is nothing to wait for, which is what a file descriptor of -1 says.
            case .link(let link): items[index].socket = link.socket?.pollHandle
            case .connections(let link): items[index].socket = link.monitorSocket?.pollHandle
            case .fileDescriptor: break
            }
        }
        guard zmq_poll(&items, Int32(items.count), milliseconds.map { max(0, $0) } ?? -1) >= 0 || zmq_errno() == EINTR
        else { throw .pollFailed(reason: lastZeroMQReason()) }
    }

    /// What the last wait found.
    public func ready(_ source: Source) -> Events {
        var ready = Events(rawValue: items[source.index].revents)
        if case .link = watched[source.index] { ready.formUnion(Events(rawValue: items[source.index + 1].revents)) }
        return ready
    }

    private mutating func add(_ watched: Watched, _ events: Events, fileDescriptor: Int32 = -1) -> Source {
        self.watched.append(watched)
        items.append(zmq_pollitem_t(socket: nil, fd: fileDescriptor, events: events.rawValue, revents: 0))
        return Source(index: items.count - 1)
    }
}
