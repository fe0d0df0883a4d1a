import Queueing
import Wire

extension WorkerMachine {
    /// The worker whose steps this one helps with.
    var leader: Body.WorkerPeer? { plan?.leader }

    /// Whether somebody computes parts of this worker's steps.
    func isReplica(_ id: String) -> Bool { plan?.replicas.contains { $0.worker == id } ?? false }

    /// Computes parts of the leader's steps from now on.
    mutating func follow() -> [Action] {
        guard isServing, !isFollowing, let leader else { return [] }
        isFollowing = true
        return [.follow(leader), .tellObserver(.following(leader: leader.worker))]
    }

    /// The plan names another leader, or none, or other replicas.
    mutating func changed(from old: Body.RunPlan?) -> [Action] {
        var actions: [Action] = []
        for replica in old?.replicas ?? [] where !isReplica(replica.worker) {
            sessions[replica.worker] = nil
            actions.append(.replicaLeft(replica.worker))
        }
        guard old?.leader != leader else { return actions }
        if isFollowing {
            isFollowing = false
            actions.append(.follow(nil))
        }
        guard hasBegun else { return actions }
        if leader != nil { return actions + (isPreparing ? [] : follow()) }
        // What trains here is what the old leader had; what it hands over, or what this worker has kept, decides.
        hasBegun = false
        return actions
    }

    /// Ends what a replica does: it has nothing that anybody would miss.
    mutating func stopFollowing() -> [Action] {
        guard isFollowing else { return [] }
        isFollowing = false
        return [.follow(nil)]
    }

    /// A replica's session is over. Should the refusal get lost, whatever the replica says next is refused as well.
    mutating func dismissed(replica id: String, session: UInt64, _ error: WireError) -> [Action] {
        if sessions[id] == session { sessions[id] = nil }
        return [.reply(to: id, session: session, .reject(Body.Reject(sequence: 0, error: error)))]
    }

    /// A replica introduces itself.
    mutating func greeted(replica id: String, session: UInt64) -> [Action] {
        let isNew = sessions.updateValue(session, forKey: id) == nil
        let welcome = Body.Welcome(creditBytes: 0, settled: [])
        return [.reply(to: id, session: session, .welcome(welcome)), .replicaJoined(id, session: session)]
            + (isNew ? [.tellObserver(.replicaArrived(id))] : [])
    }
}
