import Foundation
import Queueing
import Wire

/// What the queue is compared with.
enum QueueBenchReferences {
    /// Bytes between two syncs: those of a group commit.
    static let syncedBytes = 8 << 20

    /// Bytes a second of a file that grows and is synced again and again.
    ///
    /// - Throws: `QueueBenchError.folderUnwritable`.
    static func diskRate(folder: String, bytes: Int) throws -> Double {
        let path = "\(folder)/sequential"
        let payload = QueueBenchPayload(byteCount: syncedBytes, stream: 0)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw unwritable(path) }
        defer { close(descriptor) }
        let clock = RoleClock()
        for _ in 0..<max(1, bytes / syncedBytes) {
            guard write(descriptor, payload.bytes.baseAddress, syncedBytes) == syncedBytes, fdatasync(descriptor) == 0
            else { throw unwritable(path) }
        }
        let seconds = clock.now.seconds
        unlink(path)
        return Double(max(1, bytes / syncedBytes) * syncedBytes) / seconds
    }

    private static func unwritable(_ path: String) -> QueueBenchError {
        .folderUnwritable(path: path, reason: String(cString: strerror(errno)))
    }

    /// Payload bytes a second of the same frames, by ZeroMQ alone: as many senders, one receiver.
    ///
    /// - Parameter isKept: whether the receiver keeps all frames, for which the system has to find memory; otherwise it
    ///   lets go of each at once, and ZeroMQ receives into the same memory again and again.
    /// - Throws: `TransportError`, `QueueBenchError.stalled`.
    static func transferRate(_ shape: QueueBenchShape, isKept: Bool) throws -> Double {
        let receiverContext = try ZeroMQContext(), senderContext = try ZeroMQContext()
        var options = SocketOptions()
        options.security = .insecure
        options.timing = .listener
        let router = try Socket(.router, context: receiverContext, options: options)
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let sending = Thread { try? send(shape, to: endpoint, context: senderContext) }
        sending.start()
        var poller = Poller()
        _ = poller.add(router)
        var clock: RoleClock?
        var left = shape.devices * shape.messages
        var kept: [Socket.Message] = []
        while left > 0 {
            try poller.wait(milliseconds: 30_000)
            let before = left
            while left > 0, let message = try router.receive() {
                clock = clock ?? RoleClock()
                if isKept { kept.append(message) }
                left -= 1
            }
            guard left < before else {
                throw QueueBenchError.stalled(what: "ZeroMQ alone brought nothing", seconds: 30)
            }
        }
        let seconds = clock?.now.seconds ?? 0
        return withExtendedLifetime(kept) { Double(shape.devices * shape.messages * shape.messageBytes) / seconds }
    }

    private static func send(_ shape: QueueBenchShape, to endpoint: String, context: ZeroMQContext) throws {
        let payloads = (0..<16).map { QueueBenchPayload(byteCount: shape.messageBytes, stream: $0) }
        var options = SocketOptions()
        options.security = .insecure
        options.timing = .link
        // On a busy machine the last messages take longer than the usual second.
        options.lingerMilliseconds = 60_000
        let dealers = try (0..<shape.devices).map { _ in try Socket(.dealer, context: context, options: options) }
        var poller = Poller()
        for dealer in dealers {
            try dealer.connect(endpoint)
            _ = poller.add(dealer, for: .writable)
        }
        var sent = Array(repeating: 0, count: shape.devices)
        while sent.contains(where: { $0 < shape.messages }) {
            for (device, dealer) in dealers.enumerated() where sent[device] < shape.messages {
                let payload = payloads[sent[device] % payloads.count]
                let envelope = Envelope(
                    run: QueueBenchShape.run, sender: shape.name(device), attempt: 1, session: .max,
                    body: .activations(shape.header(UInt64(sent[device] + 1), payload)))
                if try dealer.send([Frame(envelope.encode()), payload.frame]) { sent[device] += 1 }
            }
            try poller.wait(milliseconds: 10)
        }
    }
}
