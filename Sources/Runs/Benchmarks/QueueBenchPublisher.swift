import Foundation
import Queueing
import Wire

/// A simulated device: it computes nothing, and publishes by the rules.
final class QueueBenchPublisher {
    /// When and what it publishes.
    struct Manner {
        /// Messages on their way at a time, whatever the credit.
        var mostOnTheirWay = Int.max
        /// The least time between two messages.
        var interval = Duration.zero
        /// Whether each message has memory of its own, as on a device that has computed it.
        var ownsPayloads = false
    }

    let link: Link
    var manner = Manner()
    private(set) var isWelcome = false
    /// From sending to acknowledgement, in seconds, of messages since `latencies` was emptied.
    var latencies: [Double] = []
    private(set) var acknowledgedMessages = 0

    private let shape: QueueBenchShape
    private let payloads: [QueueBenchPayload]
    private var window = PublishWindow(acknowledgementTimeout: .seconds(3600), maximumAttempts: 3)
    private var held: [UInt64: (payload: QueueBenchPayload, sentAt: Duration)] = [:]
    private var sentMessages = 0
    /// What was on its way when a connection ended, by sequence: a device keeps what it has computed.
    private var lost: [UInt64: QueueBenchPayload] = [:]
    private var nextSend = Duration.zero

    /// - Parameter payloads: are published in turns.
    init(
        _ name: String, shape: QueueBenchShape, payloads: [QueueBenchPayload], context: ZeroMQContext, endpoint: String,
        security: SocketSecurity
    ) throws(TransportError) {
        self.shape = shape
        self.payloads = payloads
        link = Link(context: context, run: QueueBenchShape.run, sender: name, highWaterMark: 2048)
        try link.connect(endpoint, security: security)
    }

    var unacknowledgedCount: Int { window.unacknowledgedCount }
    var unacknowledgedBytes: Int { window.bytesOnTheirWay }
    var isDone: Bool { !hasMore && window.unacknowledgedCount == 0 }
    private var hasMore: Bool { !lost.isEmpty || sentMessages < shape.messages }

    /// Lets the next message wait until a time.
    func postpone(until time: Duration) { nextSend = time }

    /// Takes what happened and what arrived.
    ///
    /// - Throws: `TransportError`, or `QueueBenchError.refused`.
    func follow(now: Duration) throws {
        while let event = try link.event() {
            switch event {
            case .connected: try link.send(.hello(Body.Hello(samples: shape.samples)))
            case .disconnected:
                isWelcome = false
                window.closed()
                lost.merge(held.mapValues(\.payload)) { $1 }
                held = [:]
            case .refused, .retrying: break
            }
        }
        while let received = try link.receive() {
            guard case .message(let envelope, _, _) = received else { continue }
            switch envelope.body {
            case .welcome(let welcome):
                isWelcome = true
                window.opened(creditBytes: welcome.creditBytes, now: now)
            case .credit(let credit): window.granted(credit)
            case .ack(let ack): acknowledged(ack, now: now)
            case .heartbeat(let time): try link.send(.heartbeatReply(time: time))
            case .reject(let reject): throw QueueBenchError.refused(number: reject.number, text: reject.text)
            default: break
            }
        }
    }

    /// Sends what is due and has credit.
    ///
    /// - Throws: `TransportError`.
    func publish(now: Duration) throws(TransportError) {
        while isWelcome, hasMore, window.unacknowledgedCount < manner.mostOnTheirWay,
            now >= nextSend, window.canSend(bytes: shape.messageBytes)
        {
            let sequence = lost.keys.min() ?? UInt64(sentMessages + 1)
            let shared = payloads[Int(sequence) % payloads.count]
            let payload = lost[sequence] ?? (manner.ownsPayloads ? QueueBenchPayload(copying: shared) : shared)
            guard let payload else { return }
            guard try link.send(.activations(shape.header(sequence, payload)), payload: payload.frame) else { return }
            _ = window.sent(.init(sequence: sequence, index: 0), bytes: shape.messageBytes, now: now)
            held[sequence] = (payload, now)
            if lost.removeValue(forKey: sequence) == nil { sentMessages += 1 }
            nextSend = max(nextSend + manner.interval, now)
        }
    }

    private func acknowledged(_ ack: Body.Ack, now: Duration) {
        guard let (part, _) = window.acknowledged(ack), let message = held.removeValue(forKey: part.sequence) else {
            return
        }
        acknowledgedMessages += 1
        latencies.append((now - message.sentAt).seconds)
    }
}
