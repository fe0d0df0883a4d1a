import Foundation

/// Makes changes on a thread of its own, as many at once as wait: one commit for all of them.
///
/// While one group is synced to the disk the next one gathers. Memory is bounded by whoever submits: a change holds its
/// payload until it is made.
public final class StoreWriter: Sendable {
    /// Bytes of payload in one group. More would keep the first of them waiting without making the disk any faster.
    static let groupBytes = 8 << 20

    /// Called on the writer's thread.
    public typealias Completion = @Sendable (Result<StoreOutcome, StoreError>) -> Void

    private let queue: Queue

    /// Starts the thread.
    public init(_ store: any ActivationStore) {
        let queue = Queue()
        self.queue = queue
        let thread = Thread { queue.work(on: store) }
        thread.name = "store writer"
        thread.start()
    }

    /// The thread makes what was submitted and ends. It may be the one that lets go of the writer, so nothing waits.
    deinit { queue.end() }

    /// Lets a change be made after all that were submitted before it, and returns at once.
    ///
    /// - Parameter then: what came of it; a failure of the whole store comes to every change that it concerns.
    public func submit(_ change: StoreChange, then: @escaping Completion) {
        guard queue.append(change, then) else { return then(.failure(.closed)) }
    }

    /// Returns when every change that was submitted is made and its completion has returned: not to be called in one.
    public func close() {
        queue.end()
        queue.waitForEnd()
    }

    /// What the writer and its thread share, so that a forgotten writer's thread ends too.
    private final class Queue: @unchecked Sendable {
        private let condition = NSCondition()
        private var waiting: [(change: StoreChange, then: Completion)] = []
        private var isClosed = false
        private var hasEnded = false

        func append(_ change: StoreChange, _ then: @escaping Completion) -> Bool {
            condition.withLock {
                guard !isClosed else { return false }
                waiting.append((change, then))
                condition.broadcast()
                return true
            }
        }

        func end() {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
        }

        func waitForEnd() {
            condition.withLock {
                while !hasEnded { condition.wait() }
            }
        }

        func work(on store: any ActivationStore) {
            while let group = next() {
                let completions = group.map(\.then)
                let results = make(consume group, on: store)
                for (then, result) in zip(completions, results) { then(result) }
            }
            condition.withLock {
                hasEnded = true
                condition.broadcast()
            }
        }

        /// Payloads are let go of before anybody hears of it: with an acknowledgement more may come.
        private func make(
            _ group: [(change: StoreChange, then: Completion)], on store: any ActivationStore
        ) -> [Result<StoreOutcome, StoreError>] {
            do {
                return try store.apply(group.map(\.change))
            } catch {
                return group.map { _ in .failure(error) }
            }
        }

        /// The changes that wait, up to a group's bytes; nil when none will come any more.
        private func next() -> [(change: StoreChange, then: Completion)]? {
            condition.withLock {
                while waiting.isEmpty {
                    if isClosed { return nil }
                    condition.wait()
                }
                var bytes = 0
                let end = waiting.firstIndex { entry in
                    bytes += entry.change.payloadBytes
                    return bytes > StoreWriter.groupBytes
                }
                let group = Array(waiting.prefix(max(1, end ?? waiting.count)))
                waiting.removeFirst(group.count)
                return group
            }
        }
    }
}

extension StoreChange {
    /// Bytes that the change holds.
    var payloadBytes: Int {
        switch self {
        case .message(_, _, let payload, _): payload.count
        case .replace(_, let payload, _): payload.bytes.count
        case .deadLetter(let letter): letter.header.count
        case .forget, .counted: 0
        }
    }
}
