import Glibc
import Queueing

/// A connection through a proxy: both ends, and what is on its way between them.
struct ProxiedConnection {
    private(set) var client: Int32
    private(set) var upstream: Int32
    private var up = Flow(.toUpstream)
    private var down = Flow(.fromUpstream)
    private var isSwallowed = false
    private let recording: Recording?

    var isOver: Bool { client < 0 && upstream < 0 }

    var passed: PassedBytes { PassedBytes(toUpstream: up.passedBytes, fromUpstream: down.passedBytes) }

    /// - Parameter upstream: -1 for a connection that begins in a black hole.
    init(client: Int32, upstream: Int32, recording: Recording? = nil) {
        self.recording = recording
        self.client = client
        self.upstream = upstream
        isSwallowed = upstream < 0
    }

    /// What to poll for at both ends, and when to look again at the latest.
    mutating func prepare(_ faults: TCPFaults, now: Duration) -> (items: [pollfd], due: Duration?) {
        isSwallowed = isSwallowed || faults.isBlackHole
        if isSwallowed {
            return ([client, upstream].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }, nil)
        }
        up.fill(faults, now: now)
        down.fill(faults, now: now)
        let isUpStopped = faults.stopped.contains(.toUpstream), isDownStopped = faults.stopped.contains(.fromUpstream)
        let upDue = isUpStopped ? nil : up.due(faults), downDue = isDownStopped ? nil : down.due(faults)
        var clientEvents: Int32 = 0, upstreamEvents: Int32 = 0
        if up.takesMore(faults), !isUpStopped { clientEvents |= POLLIN }
        if down.takesMore(faults), !isDownStopped { upstreamEvents |= POLLIN }
        if let downDue, downDue <= now { clientEvents |= Int32(POLLOUT) }
        if let upDue, upDue <= now { upstreamEvents |= Int32(POLLOUT) }
        // A descriptor without events would still be reported when its connection is gone, again and again.
        let items = [
            pollfd(fd: clientEvents == 0 ? -1 : client, events: Int16(clientEvents), revents: 0),
            pollfd(fd: upstreamEvents == 0 ? -1 : upstream, events: Int16(upstreamEvents), revents: 0),
        ]
        return (items, [upDue, downDue].compactMap { $0 }.filter { $0 > now }.min())
    }

    mutating func proceed(_ found: ArraySlice<pollfd>, _ faults: TCPFaults, now: Duration) {
        guard let first = found.first, let last = found.last else { return }
        if isSwallowed {
            if first.revents != 0, !Self.swallow(client) { Self.end(&client) }
            if last.revents != 0, !Self.swallow(upstream) { Self.end(&upstream) }
            return
        }
        let readable = Int16(POLLIN | POLLHUP | POLLERR), writable = Int16(POLLOUT)
        if first.revents & readable != 0, up.takesMore(faults), !up.read(from: client, faults, now: now, recording) {
            Self.lost(source: &up, sink: &down)
        }
        if last.revents & readable != 0, down.takesMore(faults), !down.read(from: upstream, faults, now: now) {
            Self.lost(source: &down, sink: &up)
        }
        if last.revents & writable != 0, !up.write(to: upstream, faults, now: now) {
            Self.lost(source: &down, sink: &up)
        }
        if first.revents & writable != 0, !down.write(to: client, faults, now: now) {
            Self.lost(source: &up, sink: &down)
        }
        if up.isDone && down.isDone { close() }
    }

    /// An end is gone: nothing more comes from it, and nothing reaches it. What it has said before is still on its way.
    private static func lost(source: inout Flow, sink: inout Flow) {
        source.end()
        sink.abandon()
    }

    mutating func reset() {
        if client >= 0 { Descriptors.reset(client) }
        if upstream >= 0 { Descriptors.reset(upstream) }
        (client, upstream) = (-1, -1)
    }

    private mutating func close() {
        Self.end(&client)
        Self.end(&upstream)
    }

    private static func end(_ descriptor: inout Int32) {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// - Returns: whether the connection goes on.
    private static func swallow(_ descriptor: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 || count < 0 && (errno == EAGAIN || errno == EINTR)
    }
}
