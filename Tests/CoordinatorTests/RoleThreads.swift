import CZeroMQ
import Foundation
import Synchronization

@testable import Queueing

/// The threads of a run's roles, and what they threw.
final class RoleThreads: Sendable {
    private struct Role: Sendable {
        let context: WeakContext
        let end: DispatchSemaphore
    }

    private let running = Mutex<[String: Role]>([:])
    private let thrown = Mutex<[String: any Error]>([:])

    /// Starts a role, whose context is its own unless others have it too.
    func start(
        _ name: String, in context: ZeroMQContext, _ body: @escaping @Sendable (ZeroMQContext) throws -> Void
    ) {
        let box = Parcel(context)
        let role = Role(context: WeakContext(value: context), end: DispatchSemaphore(value: 0))
        running.withLock { $0[name] = role }
        let thread = Thread { [self] in
            // A context ends, and its ports are free, when nobody has it any more.
            do { try box.take().map(body) } catch { thrown.withLock { $0[name] = error } }
            role.end.signal()
        }
        thread.name = name
        thread.start()
    }

    /// Ends a role that has a context of its own like `kill -9`, as far as others can see: it says nothing more.
    ///
    /// - Parameter release: called when it cannot speak any more, for whatever holds it up.
    /// - Returns: whether it has ended within half a minute.
    func kill(_ name: String, release: () -> Void = {}) -> Bool {
        guard let role = running.withLock({ $0.removeValue(forKey: name) }) else { return false }
        if let context = role.context.value { zmq_ctx_shutdown(context.handle) }
        release()
        defer { thrown.withLock { $0[name] = nil } }
        return role.end.wait(timeout: .now() + 30) == .success
    }

    /// Whether a role has ended by itself within half a minute.
    func hasEnded(_ name: String, by end: DispatchTime = .now() + 30) -> Bool {
        guard let role = running.withLock({ $0[name] }) else { return true }
        guard role.end.wait(timeout: end) == .success else { return false }
        running.withLock { $0[name] = nil }
        return true
    }

    /// Whether all have ended within half a minute.
    func haveEnded() -> Bool {
        let end = DispatchTime.now() + 30
        return names.map { hasEnded($0, by: end) }.allSatisfy { $0 }
    }

    /// Those who have not been seen to end.
    var names: [String] { running.withLock { $0.keys.sorted() } }

    func error(of name: String) -> (any Error)? { thrown.withLock { $0[name] } }

    /// Whatever any role threw.
    var errors: [String: any Error] { thrown.withLock { $0 } }
}

private struct WeakContext: Sendable {
    weak let value: ZeroMQContext?
}

/// A value that is given away once.
private final class Parcel<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: Value) { self.value = Mutex(value) }

    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }
}
