import Foundation
import Queueing
import Synchronization

/// A TCP relay on this machine that does to its connections what networks do. It has a thread of its own, and ends with
/// its last reference.
public final class TCPFaultProxy: Sendable {
    /// Where to connect: `tcp://127.0.0.1:PORT`. It stays the same while connections are refused.
    public var endpoint: String { "tcp://127.0.0.1:\(relay.port)" }

    private let relay: Relay

    /// - Parameter upstream: the port on this machine that connections are passed on to; nobody has to be there yet.
    /// - Throws: `ProxyFailure` or `TransportError` when no socket can be made.
    public init(upstream: UInt16) throws {
        let relay = try Relay(upstream: upstream)
        self.relay = relay
        let thread = Thread { relay.run() }
        thread.name = "fault proxy"
        thread.start()
    }

    /// A relay to an endpoint `tcp://…:PORT`.
    ///
    /// - Throws: as for a port.
    public convenience init(upstream endpoint: String) throws {
        guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            errno = EINVAL
            throw ProxyFailure("reading the port of \(endpoint)")
        }
        try self.init(upstream: port)
    }

    deinit {
        relay.change { $0.isStopped = true }
        relay.ended.wait()
    }

    /// Replaces the faults, at once and for all connections.
    public func set(_ faults: TCPFaults) { relay.change { $0.faults = faults } }

    /// Changes one of the faults, or some.
    public func change(_ body: @Sendable (inout TCPFaults) -> Void) { relay.change { body(&$0.faults) } }

    /// Resets all connections that there are.
    public func resetConnections() { relay.change { $0.resets += 1 } }

    /// What each connection's client has said, in the order of the connections, since this was switched on.
    public var recordings: [[UInt8]] { relay.recordings.withLock { $0.map(\.bytes) } }

    /// Connections that are made from now on are recorded.
    public func record() { relay.change { $0.records = true } }

    /// What all connections have passed on so far.
    public var passed: PassedBytes { relay.passed.withLock { $0 } }

    /// Connections that were accepted so far.
    public var accepted: Int { relay.orders.withLock { $0.accepted } }
}

/// The proxy's thread.
private final class Relay: Sendable {
    struct Orders {
        var faults = TCPFaults()
        var resets = 0
        var isStopped = false
        var records = false
        var accepted = 0
        var untaken = 0
    }

    let orders = Mutex(Orders())
    let recordings = Mutex<[Recording]>([])
    let passed = Mutex(PassedBytes())
    let port: UInt16
    let ended = DispatchSemaphore(value: 0)
    private let taken = DispatchSemaphore(value: 0)
    private let listener: Int32
    private let upstream: UInt16
    private let signal: WakeSignal
    private let clock = RoleClock()

    init(upstream: UInt16) throws {
        signal = try WakeSignal()
        (listener, port) = try Descriptors.listen(port: 0)
        self.upstream = upstream
    }

    /// Returns when the thread knows: no byte passes by the old faults afterwards.
    func change(_ body: (inout Orders) -> Void) {
        orders.withLock { orders in
            body(&orders)
            orders.untaken += 1
        }
        signal.signal()
        taken.wait()
    }

    func run() {
        var listener = listener
        var connections: [ProxiedConnection] = []
        var resets = 0
        while true {
            let orders = takeOrders()
            if orders.isStopped { break }
            if orders.resets != resets {
                resets = orders.resets
                for index in connections.indices { connections[index].reset() }
            }
            if orders.faults.refuses, listener >= 0 {
                close(listener)
                listener = -1
            } else if !orders.faults.refuses, listener < 0 {
                listener = (try? Descriptors.listen(port: port).descriptor) ?? -1
            }
            connections.removeAll(where: \.isOver)
            serve(&connections, listener, orders)
        }
        for index in connections.indices { connections[index].reset() }
        if listener >= 0 { close(listener) }
        ended.signal()
    }

    private func takeOrders() -> Orders {
        let taking = orders.withLock { orders in
            defer { orders.untaken = 0 }
            return orders
        }
        for _ in 0..<taking.untaken { taken.signal() }
        return taking
    }

    /// Waits for the next thing to do, and does it.
    private func serve(_ connections: inout [ProxiedConnection], _ listener: Int32, _ orders: Orders) {
        let faults = orders.faults
        var now = clock.now
        var items = [signal.fileDescriptor, listener].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var due: Duration?
        for index in connections.indices {
            let (wanted, next) = connections[index].prepare(faults, now: now)
            items += wanted
            due = [due, next].compactMap { $0 }.min()
        }
        // A port that could not be taken again is tried once more.
        let most = faults.refuses || listener >= 0 ? -1 : 10
        let wait = due.map { ($0 - now).pollMilliseconds } ?? most
        guard poll(&items, nfds_t(items.count), Int32(clamping: wait)) >= 0 else { return }
        signal.drain()
        now = clock.now
        for index in connections.indices {
            let before = connections[index].passed
            connections[index].proceed(items[(2 + 2 * index)..<(4 + 2 * index)], faults, now: now)
            let after = connections[index].passed
            if after != before { passed.withLock { $0.add(after, since: before) } }
        }
        if items[1].revents != 0 { accept(&connections, listener, orders) }
    }

    private func accept(_ connections: inout [ProxiedConnection], _ listener: Int32, _ taken: Orders) {
        let faults = taken.faults
        while let client = Descriptors.accept(listener) {
            orders.withLock { $0.accepted += 1 }
            if faults.isBlackHole {
                connections.append(ProxiedConnection(client: client, upstream: -1))
            } else if !faults.resetsNewConnections, let server = try? Descriptors.connect(port: upstream) {
                let recording = taken.records ? Recording() : nil
                if let recording { recordings.withLock { $0.append(recording) } }
                connections.append(ProxiedConnection(client: client, upstream: server, recording: recording))
            } else {
                Descriptors.reset(client)
            }
        }
    }
}
