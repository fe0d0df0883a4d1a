import Diagnostics
import Gateway
import Monitoring

/// What a gateway shows over HTTP.
public final class GatewayMonitor: Sendable {
    /// To be beaten by the gateway's loop.
    public let pulse = LoopPulse()
    private let id: String
    private let metrics = RoleMetrics(role: "gateway")
    private let condition: RoleCondition

    /// A gateway that listens.
    public init(id: String) {
        self.id = id
        condition = RoleCondition(pulse, waitingFor: "")
        condition.become(.yes)
    }

    /// What it shows.
    public func site(_ access: AccessRules, counts: @escaping @Sendable () -> GatewayCounts) -> Site {
        Site(
            access: access, health: { [condition] in condition.health },
            readiness: { [condition] in condition.readiness }, metrics: { [self] in families(counts()) },
            state: { [condition, id] in condition.answer(role: "gateway", id: id) })
    }

    private func families(_ counts: GatewayCounts) -> [MetricFamily] {
        metrics.set("gateway_connections", Double(counts.connections))
        metrics.raise("gateway_bytes_total", to: counts.bytesUp, ["direction": "up"])
        metrics.raise("gateway_bytes_total", to: counts.bytesDown, ["direction": "down"])
        for reason in GatewayRefusal.allCases {
            metrics.raise("gateway_refused_total", to: counts.refused[reason] ?? 0, ["reason": reason.rawValue])
        }
        return metrics.families
    }
}
