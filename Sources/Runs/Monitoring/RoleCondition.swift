import Diagnostics
import Foundation
import Monitoring
import Synchronization

/// Whether a role's loop turns, and whether others can count on the role.
final class RoleCondition: Sendable {
    private let pulse: LoopPulse
    private let state: Mutex<Site.Condition>

    init(_ pulse: LoopPulse, waitingFor reason: String) {
        self.pulse = pulse
        state = Mutex(.no(reason))
    }

    /// Whether the loop turns.
    var health: Site.Condition {
        pulse.silence().map { .no("the loop has not turned for \(Int($0 / .seconds(1))) s") } ?? .yes
    }

    /// Whether others can count on the role.
    var readiness: Site.Condition { state.withLock { $0 } }

    func become(_ condition: Site.Condition) { state.withLock { $0 = condition } }

    /// A role's own state, of a role that knows no run as a whole.
    func answer(role: String, id: String) -> SiteAnswer {
        let isHealthy = health == .yes
        var reason: String?
        if case .no(let text) = readiness { reason = text }
        return .json(
            jsonText(
                RoleState(
                    version: permafrostVersion, time: Date().timeIntervalSince1970, role: role, id: id,
                    healthy: isHealthy, ready: reason == nil, reason: reason)))
    }

    private struct RoleState: Encodable {
        let version: String
        let time: Double
        let role: String
        let id: String
        let healthy: Bool
        let ready: Bool
        let reason: String?
    }
}
