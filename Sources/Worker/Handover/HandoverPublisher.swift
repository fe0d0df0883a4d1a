import Diagnostics
import Foundation
import Queueing
import Wire

/// Hands a drained worker's messages and newest checkpoint to another worker, on a thread of its own.
///
/// It speaks like a device, begins anew with every connection, and goes on saying that it has finished until the worker
/// ends it: the coordinator hears it from the other side.
final class HandoverPublisher: Sendable {
    /// What the worker is told.
    enum Event: Sendable {
        case progress(done: Int, of: Int)
        case failed(any Error)
    }

    private let thread: LoopThread

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - source: called on it, for listing a large store takes a while.
    ///   - tell: called on it.
    /// - Throws: `TransportError`.
    init(
        _ order: Body.Drain, security: SocketSecurity, timing: ConnectionTiming, run: String, sender: String,
        context: ZeroMQContext,
        source: @escaping @Sendable () throws -> HandoverSource, tell: @escaping @Sendable (Event) -> Void
    ) throws(TransportError) {
        thread = try LoopThread(
            "handover",
            loop: { thread in
                var conversation = HandoverConversation(
                    try source(), link: Link(context: context, run: run, sender: sender, timing: timing),
                    successor: order.successor)
                try conversation.run(order.successorEndpoint, security, on: thread, tell: tell)
            }, onError: { tell(.failed($0)) })
    }

    /// Returns when the thread has ended. To be called once.
    func stop() { thread.stop() }
}

/// The thread's work: a link, and what goes over it.
private struct HandoverConversation {
    private let source: HandoverSource
    private let link: Link
    private let successor: String
    private let clock = RoleClock()
    private var queue: HandoverQueue
    private var lastHeard = Duration.zero
    private var lastFinished: Duration?

    /// Without an answer for so long, another introduction is due: answers may be lost.
    private static let answerLimit = Duration.seconds(10)
    private static let repetition = Duration.seconds(1)

    init(_ source: HandoverSource, link: Link, successor: String) {
        self.source = source
        self.link = link
        self.successor = successor
        queue = source.queue
    }

    mutating func run(
        _ endpoint: String, _ security: SocketSecurity, on thread: LoopThread,
        tell: (HandoverPublisher.Event) -> Void
    ) throws {
        try link.connect(endpoint, security: security)
        defer { link.disconnect() }
        var poller = Poller()
        _ = poller.add(link)
        _ = poller.add(fileDescriptor: thread.wake.fileDescriptor)
        var told = -1
        while !thread.isStopped {
            try poller.wait(milliseconds: min(200, (link.untilDue ?? .seconds(1)).pollMilliseconds))
            thread.wake.drain()
            while let event = try link.event() { try follow(event) }
            while let received = try link.receive() {
                if case .message(let envelope, _, _) = received { try take(envelope.body) }
            }
            try send()
            if queue.doneCount != told {
                told = queue.doneCount
                tell(.progress(done: queue.doneCount, of: queue.itemCount))
            }
        }
    }

    private mutating func follow(_ event: Link.Event) throws {
        switch event {
        case .connected: try introduce()
        case .disconnected: queue.disconnected()
        case .refused, .retrying: break
        }
    }

    private mutating func introduce() throws {
        queue.disconnected()
        lastHeard = clock.now
        lastFinished = nil
        try link.send(.hello(Body.Hello(samples: UInt64(source.sampleCount))))
    }

    private mutating func take(_ body: Body) throws {
        lastHeard = clock.now
        switch body {
        case .welcome(let welcome): queue.welcomed(welcome)
        case .credit(let credit): queue.granted(credit.bytes)
        case .ack(let ack): queue.acknowledged(ack)
        case .reject(let reject) where reject.number == ProtocolError.unknownSession.rawValue:
            link.renewSession()
            try introduce()
        case .reject(let reject):
            guard queue.rejected(reject, now: clock.now) else {
                throw WorkerError.handoverRefused(successor: successor, text: reject.text)
            }
        default: break
        }
    }

    private mutating func send() throws {
        let now = clock.now
        while let (item, attempt) = queue.next(now: now) {
            do {
                let (body, payload) = try source.content(of: item)
                Failpoint.hit(.duringMigration)
                try link.send(body, attempt: attempt, payload: Frame(payload))
            } catch let error as StoreError {
                guard case .damaged = error else { throw error }
                queue.skip(device: item.origin - 1, sequence: item.sequence)
            }
        }
        if queue.isComplete, lastFinished.map({ now - $0 >= Self.repetition }) ?? true {
            lastFinished = now
            try link.send(
                .finished(
                    Body.Finished(messages: UInt64(source.messageCount), samples: UInt64(source.sampleCount))))
        }
        // Answers may be lost where they wait, and so may a greeting that came before the other side's plan.
        if link.isConnected, !queue.isComplete, now - lastHeard >= Self.answerLimit {
            link.renewSession()
            try introduce()
        }
    }
}
