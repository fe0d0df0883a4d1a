import Foundation
import Synchronization

/// The one set of threads that does arithmetic, as many as the cores given to the run.
///
/// Roles have threads of their own for sockets, but they compute here, so that no number of roles in a process ever
/// oversubscribes the cores. Jobs start in the order in which they were submitted.
public final class ComputePool: Sendable {
    /// The number of threads.
    public let threads: Int
    private let queue = JobQueue()

    /// - Parameter threads: at least one.
    public init(threads: Int) {
        precondition(threads > 0, "a pool needs a thread")
        self.threads = threads
        for index in 0..<threads {
            let thread = Thread { [queue] in
                while let job = queue.next() { job() }
            }
            thread.name = "compute-\(index)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    deinit { queue.close() }

    /// Starts a job as soon as a thread is free and returns at once.
    public func submit(_ job: @escaping @Sendable () -> Void) { queue.append([job]) }

    /// Runs `body(0)` to `body(count - 1)` on the pool and returns when all have ended.
    ///
    /// Must not be called from a job: with every thread waiting, none would be left to work.
    public func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let group = DispatchGroup()
        queue.append(
            (0..<count).map { index in
                group.enter()
                return {
                    body(index)
                    group.leave()
                }
            })
        group.wait()
    }

    /// The results of `body(0)` to `body(count - 1)`, computed on the pool, in order.
    ///
    /// - Throws: the first error by index, after all jobs have ended.
    public func map<Element: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Element
    ) throws -> [Element] {
        let results = ResultSlots<Element>(count: count)
        run(count) { index in
            let result = Result { try body(index) }
            results.slots.withLock { $0[index] = result }
        }
        return try results.slots.withLock { try $0.compactMap { try $0?.get() } }
    }
}

/// One slot per job, filled in any order.
private final class ResultSlots<Element: Sendable>: Sendable {
    let slots: Mutex<[Result<Element, any Error>?]>

    init(count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }
}

/// First in, first out; `next` waits for a job and returns nil after `close`.
private final class JobQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var arrived: [@Sendable () -> Void] = []
    /// The oldest jobs, oldest last: refilled from `arrived` when empty.
    private var oldest: [@Sendable () -> Void] = []
    private var isClosed = false

    func append(_ new: [@Sendable () -> Void]) {
        condition.withLock {
            arrived.append(contentsOf: new)
            condition.broadcast()
        }
    }

    func next() -> (@Sendable () -> Void)? {
        condition.withLock {
            while oldest.isEmpty && arrived.isEmpty && !isClosed { condition.wait() }
            if oldest.isEmpty {
                oldest = arrived.reversed()
                arrived.removeAll(keepingCapacity: true)
            }
            return oldest.popLast()
        }
    }

    func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }
}
