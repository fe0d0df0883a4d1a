import Synchronization

/// Arenas that jobs borrow for as long as they run: there are never more than jobs at one time.
public final class ArenaStack: Sendable {
    private let idle = Mutex<[Arena]>([])

    /// A stack that makes its first arena when one is asked for.
    public init() {}

    /// Runs the body with an arena of its own, reset before and after.
    public func withArena<Result>(_ body: (Arena) throws -> Result) rethrows -> Result {
        let arena = idle.withLock { $0.popLast() } ?? Arena()
        arena.reset()
        defer {
            arena.reset()
            idle.withLock { $0.append(arena) }
        }
        return try body(arena)
    }
}
