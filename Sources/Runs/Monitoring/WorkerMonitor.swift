import Diagnostics
import Monitoring
import Worker

/// What a worker shows over HTTP.
public final class WorkerMonitor: Sendable {
    /// To be beaten by the worker's loop.
    public let pulse = LoopPulse()
    private let id: String
    private let metrics = WorkerMetrics()
    private let condition: RoleCondition

    /// A worker that has not registered yet.
    public init(id: String) {
        self.id = id
        condition = RoleCondition(pulse, waitingFor: "not registered with a coordinator yet")
    }

    /// Takes what the worker tells.
    public func take(_ news: WorkerRun.News) {
        guard case .worker(let event) = news else { return }
        metrics.take(event)
        switch event {
        // It goes on without a coordinator, so that it stays ready when that one goes away.
        case .joined: condition.become(.yes)
        case .draining: condition.become(.no("draining: it takes no more messages"))
        case .left: condition.become(.no("it has left the run"))
        default: break
        }
    }

    /// What it shows.
    public func site(_ access: AccessRules) -> Site {
        Site(
            access: access, health: { [condition] in condition.health },
            readiness: { [condition] in condition.readiness }, metrics: { [metrics] in metrics.families },
            state: { [condition, id] in condition.answer(role: "worker", id: id) })
    }
}
