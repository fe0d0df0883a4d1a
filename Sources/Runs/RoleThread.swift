import Dispatch
import Foundation

/// Threads of the roles that live in one process.
enum RoleThread {
    /// Runs a role on a thread of its own.
    ///
    /// - Parameter onFailure: called on that thread with what the role throws.
    static func start(
        _ name: String, in group: DispatchGroup, onFailure: @escaping @Sendable (any Error) -> Void,
        _ body: @escaping @Sendable () throws -> Void
    ) {
        group.enter()
        let thread = Thread {
            do {
                try body()
            } catch {
                onFailure(error)
            }
            group.leave()
        }
        thread.name = name
        thread.start()
    }
}
