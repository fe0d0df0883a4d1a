import Ledger

// Who computes parts of the owner's steps.
extension CoordinatorMachine {
    /// Lets those who are there help with the steps: who helps already goes on, others follow by id.
    mutating func chooseReplicas() {
        guard settings.replicas > 1 || !roster.replicas.isEmpty, phase == .gathering || phase == .running else {
            return
        }
        let there = roster.workers.values.filter { worker in
            guard worker.id != roster.owner, worker.id != drain?.successor, !worker.isRevoked else { return false }
            // One that is not connected goes on when it is back in time.
            return worker.state == .replica || worker.state == .standby && worker.session != nil
        }.map(\.id).sorted()
        let staying = roster.replicas.filter(there.contains)
        let coming = there.filter { !staying.contains($0) }
        let chosen = Array((staying + coming).prefix(max(0, settings.replicas - 1)))
        for id in roster.replicas where !chosen.contains(id) {
            reasons.append("\(id) does not help with steps any more")
            if roster.workers[id]?.state == .replica { setState(.standby, ofWorker: id) }
        }
        for id in chosen where !roster.replicas.contains(id) {
            reasons.append("\(id) helps with steps")
            event(.info, id, "computes parts of the steps of \(roster.owner ?? "the worker that trains")")
        }
        roster.replicas = chosen
        for id in chosen { setState(.replica, ofWorker: id) }
    }

    /// A replica's address, or that of its leader, has changed: both are told with the next plan.
    mutating func replicaRegistered(_ id: String, hasMoved: Bool) {
        if hasMoved { reasons.append("\(id) waits at \(roster.workers[id]?.endpoint ?? "")") } else { sendPlan(to: id) }
    }
}
