import Foundation

/// Makes changes on a thread of its own, as many at once as wait: one commit for all of them.
///
/// While one group is synced to the disk the next one gathers. Memory is bounded by whoever submits: a change holds its
/// payload until it is made. A store that is immediate needs no thread: its changes are made by whoever submits them, who
/// has the payload in his cache.
public final class StoreWriter: Sendable {
    /// Bytes of payload in one group. More would keep the first of them waiting without making the disk any faster.
    static let groupBytes = 4 << 20

    /// Called on the writer's thread; in `submit` when the store is immediate.
    public typealias Completion = @Sendable (Result<StoreOutcome, StoreError>) -> Void

    private let store: any ActivationStore
    private let queue: Queue

    /// Starts the thread, if the store needs one.
    public init(_ store: any ActivationStore) {
        let queue = Queue()
        self.store = store
        self.queue = queue
        if store.isImmediate { return }
        queue.workers = 1
        let thread = Thread { queue.work(on: store) }
        thread.name = "store writer"
        thread.start()
    }

    /// The thread makes what was submitted and ends. It may be the one that lets go of the writer, so nothing waits.
    deinit { queue.end() }

    /// Lets a change be made after all that were submitted before it, and returns at once or when it is made.
    ///
    /// - Parameter then: what came of it; a failure of the whole store comes to every change that it concerns.
    public func submit(_ change: StoreChange, then: @escaping Completion) {
        let isTaken = store.isImmediate ? queue.make(change, on: store, then) : queue.append(change, then)
        if !isTaken { then(.failure(.closed)) }
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
        /// Threads that make changes or may yet do so.
        var workers = 0

        func append(_ change: StoreChange, _ then: @escaping Completion) -> Bool {
            condition.withLock {
                guard !isClosed else { return false }
                waiting.append((change, then))
                condition.broadcast()
                return true
            }
        }

        /// Makes a change on this thread, whatever others do.
        func make(_ change: StoreChange, on store: any ActivationStore, _ then: Completion) -> Bool {
            let isTaken = condition.withLock {
                if !isClosed { workers += 1 }
                return !isClosed
            }
            guard isTaken else { return false }
            then(make([change], on: store)[0])
            leave()
            return true
        }

        func end() {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
        }

        func waitForEnd() {
            condition.withLock {
                while workers > 0 { condition.wait() }
            }
        }

        func work(on store: any ActivationStore) {
            while let group = next() {
                let completions = group.map(\.then)
                // Payloads are let go of before anybody hears of it: with an acknowledgement more may come.
                let changes = (consume group).map(\.change)
                let results = make(consume changes, on: store)
                for (then, result) in zip(completions, results) { then(result) }
            }
            leave()
        }

        private func leave() {
            condition.withLock {
                workers -= 1
                condition.broadcast()
            }
        }

        private func make(
            _ changes: [StoreChange], on store: any ActivationStore
        ) -> [Result<StoreOutcome, StoreError>] {
            do {
                return try store.apply(changes)
            } catch {
                return changes.map { _ in .failure(error) }
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
