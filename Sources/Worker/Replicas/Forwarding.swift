import Queueing
import Wire

/// What a replica's devices have published, on its way to the leader: the same messages and answers as those of a worker
/// that hands over, but without an end.
struct Forwarding {
    private var source: HandoverSource
    private var queue: HandoverQueue
    /// When something was answered, or began to wait for an answer.
    private var lastAnswered = Duration.zero

    /// Without an answer for so long, a message or its answer is lost.
    private static let answerLimit = Duration.seconds(10)

    init(_ store: any ActivationStore) {
        source = HandoverSource(store: store)
        queue = HandoverQueue(messages: [], pieces: [])
    }

    /// Messages that are with the leader, when all are.
    var complete: Int? { queue.isComplete ? queue.messageCount : nil }

    /// Samples of all messages so far.
    var sampleCount: Int { source.sampleCount }

    mutating func add(_ message: StoredMessage) {
        if let message = source.add(message) { queue.append(message) }
    }

    mutating func disconnected() { queue.disconnected() }

    /// Whether an answer is due that will not come any more.
    func isStalled(now: Duration) -> Bool { queue.isWaitingForAnswers && now - lastAnswered >= Self.answerLimit }

    /// Takes an answer of the leader.
    ///
    /// - Returns: whether there is still hope for every message.
    mutating func take(_ body: Body, now: Duration) -> Bool {
        switch body {
        case .welcome, .ack, .reject: lastAnswered = now
        default: break
        }
        switch body {
        case .welcome(let welcome): queue.welcomed(welcome)
        case .credit(let credit): queue.granted(credit.bytes)
        case .ack(let ack): queue.acknowledged(ack)
        case .reject(let reject): return queue.rejected(reject, now: now)
        default: break
        }
        return true
    }

    /// What goes next, if anything may.
    enum Next {
        case message(Body, attempt: UInt32, payload: [UInt8])
        /// It cannot be read: its device has to send it again.
        case damaged(device: UInt32, sequence: UInt64, problem: String)
    }

    /// - Throws: `StoreError` that concerns the whole store.
    mutating func next(now: Duration) throws -> Next? {
        let isFirst = !queue.isWaitingForAnswers
        guard let (item, attempt) = queue.next(now: now) else { return nil }
        if isFirst { lastAnswered = now }
        do {
            let (body, payload) = try source.content(of: item)
            return .message(body, attempt: attempt, payload: payload)
        } catch let error as StoreError {
            guard case .damaged = error else { throw error }
            queue.skip(device: item.origin - 1, sequence: item.sequence)
            return .damaged(device: item.origin - 1, sequence: item.sequence, problem: error.problem)
        }
    }
}
