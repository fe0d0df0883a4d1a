import DequeModule
import Foundation
import Synchronization

/// The one set of threads that does arithmetic, as many as the cores given to the run.
///
/// Roles have threads of their own for sockets, but they compute here, so that no number of roles in a process ever
/// oversubscribes the cores. Jobs of `run`, whose caller waits, come before those of `submit`; of each kind, the oldest
/// comes first.
public final class ComputePool: Sendable {
    /// The number of threads.
    public let threads: Int
    private let queue = JobQueue()

    /// - Parameters:
    ///   - threads: at least one.
    ///   - takesSubmitted: whether free threads take jobs of `submit`; else `help` and `takeSubmitted` alone do.
    public init(threads: Int, takesSubmitted: Bool = true) {
        precondition(threads > 0, "a pool needs a thread")
        self.threads = threads
        for index in 0..<threads {
            let thread = Thread { [queue] in
                while let job = queue.next(takesSubmitted: takesSubmitted) { job() }
            }
            thread.name = "compute-\(index)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    deinit { queue.close() }

    /// Starts a job as soon as a thread is free and returns at once.
    public func submit(_ job: @escaping @Sendable () -> Void) { queue.append([job], to: \.submitted) }

    /// Starts a job as soon as a thread is free: `body(0)` to `body(pieces - 1)`, one after another. Whatever is more urgent
    /// comes first between two pieces; of what was submitted, the rest of a job does.
    public func submit(pieces: Int, _ body: @escaping @Sendable (Int) -> Void) {
        guard pieces > 0 else { return }
        queue.append([Self.piece(0, of: pieces, queue, body)], to: \.submitted)
    }

    private static func piece(
        _ index: Int, of pieces: Int, _ queue: JobQueue, _ body: @escaping @Sendable (Int) -> Void
    ) -> JobQueue.Job {
        {
            body(index)
            if index + 1 < pieces { queue.goOn(piece(index + 1, of: pieces, queue, body)) }
        }
    }

    /// Runs submitted jobs, one after another on the calling thread, until a condition holds: for a job of `run` that can
    /// not go on yet. While there is none, it waits. Submitted jobs wait for nobody, so that each comes to its end.
    ///
    /// - Parameter isMet: asked before every job, and again after `wake`. It must not call the pool.
    public func help(until isMet: () -> Bool) {
        while let job = queue.nextSubmitted(unless: isMet) { job() }
    }

    /// Runs the oldest submitted job on the calling thread.
    ///
    /// - Returns: false when there is none.
    public func takeSubmitted() -> Bool {
        guard let job = queue.submittedNow() else { return false }
        job()
        return true
    }

    /// Lets jobs in `help` ask their condition again.
    public func wake() { queue.wake() }

    /// Runs `body(0)` to `body(count - 1)` on the pool and returns when all have ended.
    ///
    /// Must not be called from a job: with every thread waiting, none would be left to work.
    ///
    /// - Parameter watch: called on the calling thread while it waits: gives the time after which to call it again, nil for
    ///   never.
    public func run(
        _ count: Int, watch: () -> Duration? = { nil }, _ body: @escaping @Sendable (Int) -> Void
    ) {
        let group = DispatchGroup()
        queue.append(
            (0..<count).map { index in
                group.enter()
                return {
                    body(index)
                    group.leave()
                }
            }, to: \.awaited)
        while let pause = watch() {
            if group.wait(timeout: .now() + max(pause, .milliseconds(1)) / .seconds(1)) == .success { return }
        }
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

/// Jobs of both kinds that nobody has taken yet.
private final class JobQueue: @unchecked Sendable {
    typealias Job = @Sendable () -> Void

    private let condition = NSCondition()
    var awaited = Deque<Job>()
    var submitted = Deque<Job>()
    private var isClosed = false

    func append(_ new: [Job], to jobs: ReferenceWritableKeyPath<JobQueue, Deque<Job>>) {
        condition.withLock {
            self[keyPath: jobs].append(contentsOf: new)
            condition.broadcast()
        }
    }

    /// Puts the rest of a job before all that were submitted.
    func goOn(_ rest: @escaping Job) {
        condition.withLock {
            submitted.prepend(rest)
            condition.broadcast()
        }
    }

    /// Waits for a job; nil after `close`.
    func next(takesSubmitted: Bool) -> Job? {
        condition.withLock {
            while awaited.isEmpty && (submitted.isEmpty || !takesSubmitted) && !isClosed { condition.wait() }
            return awaited.popFirst() ?? (takesSubmitted ? submitted.popFirst() : nil)
        }
    }

    func submittedNow() -> Job? { condition.withLock { submitted.popFirst() } }

    /// Waits for a submitted job; nil once the condition holds.
    func nextSubmitted(unless isMet: () -> Bool) -> Job? {
        condition.withLock {
            while !isMet() {
                if let job = submitted.popFirst() { return job }
                condition.wait()
            }
            return nil
        }
    }

    func wake() { condition.withLock { condition.broadcast() } }

    func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }
}
