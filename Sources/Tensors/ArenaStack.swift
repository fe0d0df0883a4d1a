import Synchronization

/// Arenas that jobs borrow for as long as they run: there are never more than jobs at one time.
public final class ArenaStack: Sendable {
    private let idle = Mutex<[Arena]>([])

    /// A stack that makes its first arena when one is asked for.
    public init() {}

    /// Lends an empty arena until `giveBack`.
    public func borrow() -> Arena { idle.withLock { $0.popLast() } ?? Arena() }

    /// Takes an arena back and resets it.
    public func giveBack(_ arena: Arena) {
        arena.reset()
        idle.withLock { $0.append(arena) }
    }

    /// Runs the body with an arena of its own.
    public func withArena<Result>(_ body: (Arena) throws -> Result) rethrows -> Result {
        let arena = borrow()
        defer { giveBack(arena) }
        return try body(arena)
    }

    /// How often the arenas that are idle now asked the system for memory.
    public var growths: Int { idle.withLock { $0.reduce(0) { $0 + $1.growths } } }

    /// Bytes that the arenas hold which are idle now.
    public var bytes: Int { idle.withLock { $0.reduce(0) { $0 + $1.bytes } } }
}
