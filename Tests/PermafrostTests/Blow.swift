import Faults
import Foundation
import Randomness

/// Something that happens to a process or to a link of a cluster.
enum Blow: CaseIterable {
    case kill, freeze, restart, reset, slow, stall, refuse, swallow

    /// Processes die as often as links fail.
    static func random(using chance: inout SeededGenerator) -> Blow {
        let isOfProcess = Bool.random(using: &chance)
        let blows: [Blow] =
            isOfProcess ? [.kill, .kill, .freeze, .restart] : [.reset, .slow, .stall, .refuse, .swallow]
        return blows.randomElement(using: &chance) ?? .kill
    }

    /// Strikes one of the cluster's processes, or the links to a role of it, and says what was struck.
    func strike(_ cluster: Cluster, using chance: inout SeededGenerator) -> String {
        let role = cluster.roles.randomElement(using: &chance) ?? cluster.coordinator
        let links = Int.random(in: cluster.proxies.indices, using: &chance), proxy = cluster.proxies[links]
        let duration = UInt32.random(in: 10_000...400_000, using: &chance)
        func harm(_ faults: TCPFaults) {
            proxy.set(faults)
            usleep(duration)
            proxy.set(TCPFaults())
        }
        var faults = TCPFaults()
        switch self {
        case .kill: role.signal(SIGKILL)
        case .restart: role.restart()
        case .freeze:
            role.signal(SIGSTOP)
            usleep(duration)
            role.signal(SIGCONT)
        case .reset: proxy.resetConnections()
        case .slow:
            faults.delay = .milliseconds(30)
            faults.bytesPerSecond = 100_000
            harm(faults)
        case .stall:
            faults.stopped = Bool.random(using: &chance) ? [.toUpstream] : [.fromUpstream]
            harm(faults)
        case .refuse:
            faults.refuses = true
            proxy.resetConnections()
            harm(faults)
        case .swallow:
            faults.isBlackHole = true
            harm(faults)
        }
        let isOfProcess = [.kill, .freeze, .restart].contains(self)
        return
            "\(self) \(isOfProcess ? role.name : links == 0 ? "links to the coordinator" : "links to worker-\(links)")"
    }
}
