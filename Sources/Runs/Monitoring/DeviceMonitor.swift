import Device
import Diagnostics
import Monitoring

/// What a device shows over HTTP.
public final class DeviceMonitor: Sendable {
    /// To be beaten by the device's loop.
    public let pulse = LoopPulse()
    private let id: String
    private let metrics = DeviceMetrics()
    private let condition: RoleCondition

    /// A device that has not registered yet.
    public init(id: String) {
        self.id = id
        condition = RoleCondition(pulse, waitingFor: "not registered with a coordinator yet")
    }

    /// Takes what the device tells.
    public func take(_ news: DeviceRun.News) {
        guard case .device(let event) = news else { return }
        metrics.take(event)
        switch event {
        case .assigned, .joined: condition.become(.yes)
        case .stopped: condition.become(.no("it has left the run"))
        default: break
        }
    }

    /// What it shows.
    public func site(_ access: AccessRules) -> Site {
        Site(
            access: access, health: { [condition] in condition.health },
            readiness: { [condition] in condition.readiness }, metrics: { [metrics] in metrics.families },
            state: { [condition, id] in condition.answer(role: "device", id: id) })
    }
}
