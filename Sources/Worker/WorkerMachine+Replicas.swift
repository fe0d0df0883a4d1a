import Datasets
import Queueing
import Wire

extension WorkerMachine {
    /// The worker whose steps this one helps with.
    var leader: Body.WorkerPeer? { plan?.leader }

    /// Whether somebody computes parts of this worker's steps, or walks a later stage of them.
    func isReplica(_ id: String) -> Bool { plan?.helpers.contains { $0.worker == id } ?? false }

    /// Computes parts of the leader's steps from now on, and sends it what devices publish here.
    mutating func follow(_ plan: Body.RunPlan) -> [Action] {
        guard isServing, !isFollowing, let leader else { return [] }
        isFollowing = true
        (forwarded, caughtUp) = (0, 0)
        // Without epochs there are no steps, but frozen blocks to run.
        var schedule = WorkSchedule(
            seed: plan.seed, counts: plan.devices.map { Int($0.samples) }, epochs: 0, batch: settings.batch,
            frozenBlocks: settings.frozenBlocks, advanceLimit: settings.advanceLimit)
        let messages = book.messages
        for message in messages { schedule.arrived(message.samples, cut: message.cut) }
        self.schedule = schedule
        return [.follow(leader), .tellObserver(.following(leader: leader.worker))]
            + messages.flatMap { $0.cut == settings.frozenBlocks ? forward($0.samples) : [] }
    }

    /// Samples that have passed all frozen blocks go to the leader, message by message.
    mutating func forward(_ samples: [SampleReference]) -> [Action] {
        guard isFollowing, let sample = samples.first, let message = book.message(beginningWith: sample) else {
            return []
        }
        forwarded += 1
        return [.forward(message, device: UInt32(sample.device))]
    }

    /// The leader has all of so many messages.
    mutating func caughtUp(messages: Int) -> [Action] {
        caughtUp = messages
        return proceed()
    }

    /// Whether the leader has everything that devices have published here.
    var hasForwardedAll: Bool { !isFollowing || caughtUp == forwarded }

    /// A message cannot be read any more: its device is asked again.
    mutating func damaged(device: UInt32, sequence: UInt64, problem: String) -> [Action] {
        guard let message = book.remove(sequence, of: device), let name = name(of: device) else { return [] }
        forwarded -= 1
        schedule?.lost(message.samples)
        return [
            .forget(device: device, sequence: sequence),
            .tellObserver(.damaged(device: name, sequence: sequence, problem: problem)),
        ]
    }

    /// The plan names another leader, or none, or others who help.
    mutating func changed(from old: Body.RunPlan?) -> [Action] {
        var actions: [Action] = []
        let stages = plan?.stages.map(\.worker) ?? []
        if stages != old?.stages.map(\.worker) ?? [] { actions.append(.arrange(stages: stages)) }
        for replica in old?.helpers ?? [] where !isReplica(replica.worker) {
            sessions[replica.worker] = nil
            if let account = replicaAccounts[replica.worker] { ledger.close(account) }
            actions.append(.replicaLeft(replica.worker))
        }
        guard old?.leader != leader else { return actions }
        if isFollowing {
            isFollowing = false
            actions.append(.follow(nil))
        }
        guard hasBegun else { return actions }
        if leader != nil { return actions + (isPreparing ? [] : plan.map { follow($0) } ?? []) }
        // What trains here is what the old leader had; what it hands over, or what this worker has kept, decides.
        hasBegun = false
        schedule = nil
        return actions
    }

    /// Ends what a replica does. What it has not sent on stays in its store.
    mutating func stopFollowing() -> [Action] {
        guard isFollowing else { return [] }
        isFollowing = false
        return [.follow(nil)]
    }

    /// A replica's session is over. Should the refusal get lost, whatever the replica says next is refused as well.
    mutating func dismissed(replica id: String, session: UInt64, _ error: WireError) -> [Action] {
        if sessions[id] == session {
            sessions[id] = nil
            if let account = account(ofWorker: id) { ledger.close(account) }
        }
        return [.reply(to: id, session: session, .reject(Body.Reject(sequence: 0, error: error)))]
    }

    /// The account of credit of a worker whose messages are other devices'.
    func account(ofWorker id: String) -> UInt32? {
        id == predecessor ? CreditLedger.handover : isReplica(id) ? replicaAccounts[id] : nil
    }

    /// A replica introduces itself.
    mutating func greeted(replica id: String, session: UInt64) -> [Action] {
        let isNew = sessions[id] == nil
        let account = replicaAccounts[id] ?? CreditLedger.replica(replicaAccounts.count)
        replicaAccounts[id] = account
        return welcome(id, account, session: session) + [.replicaJoined(id, session: session)]
            + (isNew ? [.tellObserver(.replicaArrived(id))] : [])
    }
}
