import Glibc
import Synchronization

/// Named moments at which a process can be made to die, to prove that nothing is lost there.
///
/// `PERMAFROST_FAILPOINT=after-write:3` kills the process, as `kill -9` does, when it comes to `after-write` for the
/// third time. Without the variable a hit costs one comparison.
public enum Failpoint: String, CaseIterable, Sendable {
    // Devices.
    case deviceAfterCompute = "device-after-compute"
    case deviceAfterSend = "device-after-send"
    case deviceAfterAck = "device-after-ack"

    // A worker's queue.
    case afterReceive = "after-receive"
    case afterWrite = "after-write"
    case beforeAck = "before-ack"
    case afterAck = "after-ack"

    // A worker's steps.
    case betweenBackwardAndWeights = "between-backward-and-weights"
    case beforeOptimizerStep = "before-optimizer-step"
    case afterOptimizerStep = "after-optimizer-step"
    case duringCheckpoint = "during-checkpoint"
    case duringMigration = "during-migration"

    // The coordinator.
    case beforeRecord = "before-record"
    case afterRecord = "after-record"

    /// The environment variable that sets one.
    public static let variable = "PERMAFROST_FAILPOINT"

    private static let armed = Armed(environment: getenv(variable).map { String(cString: $0) })

    /// Dies here when this is the moment that was set.
    @inline(__always)
    public static func hit(_ point: Failpoint) {
        if let armed, armed.point == point { armed.hit() }
    }

    /// What is wrong with a setting; nil when it names a moment, or there is none.
    public static func problem(of setting: String?) -> String? {
        guard let setting, Armed(environment: setting) == nil else { return nil }
        let names = allCases.map(\.rawValue).joined(separator: ", ")
        return "\(variable)=\(setting) is no NAME or NAME:COUNT; the names are \(names)"
    }

    /// A moment, and how often it still passes unharmed.
    private final class Armed: Sendable {
        let point: Failpoint
        private let left: Atomic<Int>

        init?(environment: String?) {
            let parts = environment?.split(separator: ":", omittingEmptySubsequences: false).map(String.init) ?? []
            guard (1...2).contains(parts.count), let point = Failpoint(rawValue: parts[0]) else { return nil }
            guard let count = parts.count == 2 ? Int(parts[1]) : 1, count >= 1 else { return nil }
            self.point = point
            left = Atomic(count)
        }

        func hit() {
            guard left.subtract(1, ordering: .relaxed).newValue == 0 else { return }
            let text = "failpoint \(point.rawValue): killed\n"
            _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            kill(getpid(), SIGKILL)
        }
    }
}
