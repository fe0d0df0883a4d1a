import Ledger
import Wire

// How a worker leaves in good order, and another takes over.
extension CoordinatorMachine {
    /// The operator, or a worker itself, wants that a worker leaves.
    mutating func drainRequested(_ id: String) -> [Action] {
        guard phase == .gathering || phase == .running else { return [] }
        drain(id)
        defer { actions = [] }
        return actions
    }

    private mutating func drain(_ id: String) {
        guard let worker = roster.workers[id], worker.state != .drained else {
            return event(.warning, "coordinator", "there is no worker \(id) that could be drained")
        }
        guard id == roster.owner else {
            if worker.state == .replica { return drain(replica: id) }
            guard worker.state != .draining else { return }
            setState(.drained, ofWorker: id)
            roster.workers[id]?.hasLeft = worker.session != nil
            event(.info, id, "was on standby and leaves")
            return send(.stop(Body.Stop(reason: "the worker was drained")), to: id)
        }
        guard settings.losses != .end else {
            return event(.warning, "coordinator", "\(id) stays: what it has trained nobody else could go on with")
        }
        guard drain == nil else { return }
        drain = Drain()
        setState(.draining, ofWorker: id)
        event(.info, id, "hands over and leaves")
        nameSuccessor(again: true)
    }

    /// Its devices go to others, and it leaves when the leader has everything that they have published.
    private mutating func drain(replica id: String) {
        setState(.draining, ofWorker: id)
        event(.info, id, "sends on what it has, and leaves")
        reasons.append("\(id) leaves")
        send(.drain(Body.Drain()), to: id)
    }

    /// Chooses who takes over. Who was chosen stays it while it is there, or nobody else is.
    ///
    /// - Parameter again: whether the worker is told also when nothing has changed.
    mutating func nameSuccessor(again: Bool) {
        guard let drain, let owner = roster.owner else { return }
        let isThere = drain.successor.map { roster.session(of: $0) != nil } ?? false
        let successor = isThere ? drain.successor : roster.standby ?? drain.successor
        guard successor != drain.successor else {
            if again { tellDrain() }
            return
        }
        self.drain?.successor = successor
        // The plan that names it is recorded first; with it both are told.
        reasons.append("\(successor ?? "") takes over from \(owner)")
        notify(.draining(worker: owner, successor: successor))
    }

    /// Tells the owner to leave, and who takes over.
    mutating func tellDrain() {
        guard isPlanned, let owner = roster.owner, let drain else { return }
        let successor = drain.successor.flatMap { roster.workers[$0] }
        send(
            .drain(
                Body.Drain(
                    successor: successor?.id ?? "", successorEndpoint: successor?.endpoint ?? "",
                    successorKey: successor?.key ?? "")), to: owner)
    }

    /// A worker has taken its last step before it leaves.
    mutating func drained(_ totals: Body.WorkerFinished, _ id: String) {
        guard id == roster.owner else {
            // It was told to leave, and that was lost; or it is a replica whose devices' messages are all with the leader.
            if roster.pipelines.isHelper(id) {
                setState(.drained, ofWorker: id)
                roster.workers[id]?.hasLeft = true
                event(.info, id, "has sent on what it had, and leaves")
            }
            return send(.stop(Body.Stop(reason: "another worker has taken over")), to: id)
        }
        if drain == nil { drain(id) }
        drain?.totals = totals
        guard drain?.successor == nil else { return }
        // Nobody takes over: it keeps what it has and goes on when it comes back.
        drain = nil
        setState(.drained, ofWorker: id)
        event(.warning, id, "has left, and nobody has taken over; the run waits for it")
        notify(.away(id: id, reason: "it was drained, and no other worker is there"))
        send(.stop(Body.Stop(reason: "nobody takes over; the state folder has everything to go on")), to: id)
    }

    /// A worker has everything: from the record on it owns the run.
    mutating func handedOver(_ handedOver: Body.HandedOver, _ id: String) {
        if id == roster.owner { return sendPlan(to: id) }
        guard phase == .gathering || phase == .running, let old = roster.owner, drain?.planned == id else { return }
        drain = nil
        roster.owner = id
        roster.workers[id]?.step = Int(told: handedOver.step)
        setState(.drained, ofWorker: old)
        setState(.training, ofWorker: id)
        event(.info, id, "has taken over from \(old): \(handedOver.messages) messages, step \(handedOver.step)")
        notify(.handedOver(from: old, to: id))
        reasons.append("\(id) has taken over from \(old)")
        reassignDevices(of: old, "\(id) has taken over from \(old)")
        plan()
        send(.stop(Body.Stop(reason: "\(id) has taken over")), to: old)
        if roster.session(of: old) != nil { roster.workers[old]?.hasLeft = true }
    }
}
