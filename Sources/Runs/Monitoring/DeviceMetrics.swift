import Device
import Monitoring

/// What a device tells, as metrics.
final class DeviceMetrics: Sendable {
    private let metrics = RoleMetrics(role: "device")

    init() { metrics.add("credit_stalls_total", 0) }

    var families: [MetricFamily] { metrics.families }

    /// Takes what happened.
    func take(_ event: DeviceEvent) {
        switch event {
        case .joined(_, let settled, _): metrics.set("published_samples", Double(settled))
        case .published(let samples, _): metrics.set("published_samples", Double(samples))
        case .waiting(.credit), .waiting(.room): metrics.add("credit_stalls_total")
        default: break
        }
    }
}
