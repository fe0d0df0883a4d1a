import Queueing
import Wire

extension WorkerMachine {
    /// The coordinator wants the worker to leave, after the step under way.
    mutating func stopped() -> [Action] {
        switch phase {
        case .serving, .ending: phase = .ending(.stopped)
        case .checkpointing: phase = .checkpointing(.stopped)
        case .ended(let outcome): return leave(outcome)
        case .left: return []
        }
        return proceed()
    }

    /// The coordinator wants the worker to make room for another, or to rest.
    mutating func drained(_ order: Body.Drain) -> [Action] {
        self.order = order
        if case .ended(.drained) = phase { return depart() }
        return quiesce()
    }

    /// Whoever runs the worker wants it to leave in good order. Asked twice, it does not wait for anybody.
    mutating func asked() -> [Action] {
        switch phase {
        case .serving: return quiesce()
        case .ended(let outcome): return leave(outcome)
        case .ending:
            // The leader may be gone. What it does not have stays in the store.
            return stopFollowing() + proceed()
        case .checkpointing, .left: return []
        }
    }

    private mutating func quiesce() -> [Action] {
        guard isServing else { return [] }
        phase = .ending(.drained)
        return [.tellObserver(.draining)] + proceed()
    }

    /// Waits for what is under way, and asks for a checkpoint of what was trained.
    mutating func end(_ outcome: WorkerOutcome) -> [Action] {
        // A worker that never began to train has nothing to wait for but what it has promised to store.
        guard isIdle, !isAdopting, !isPreparing, outcome != .drained || hasForwardedAll else { return [] }
        phase = .checkpointing(outcome)
        let actions = stopFollowing()
        return actions + (hasBegun && leader == nil ? [.checkpoint(unrecorded: reports)] : checkpointed())
    }

    /// The checkpoint is written, if there was anything to write.
    mutating func checkpointed() -> [Action] {
        guard case .checkpointing(let outcome) = phase else { return [] }
        phase = .ended(outcome)
        let finished: [Action] = [.tellFinished(drained: outcome == .drained)]
        switch outcome {
        case .completed: return finished + (settings.staysUntilStopped ? [] : leave(outcome))
        case .stopped: return finished + leave(outcome)
        // Without an order it was asked by its own process: the coordinator may name who takes over.
        case .drained: return finished + (order == nil ? [] : depart())
        }
    }

    /// Hands over, or leaves when nobody takes over.
    private mutating func depart() -> [Action] {
        guard let order, !order.successor.isEmpty else { return leave(.drained) }
        guard !isHandingOver else { return [] }
        isHandingOver = true
        return [.handOver(order)]
    }

    private mutating func leave(_ outcome: WorkerOutcome) -> [Action] {
        phase = .left
        return [.tell(.goodbye(reason: "\(outcome)")), .tellObserver(.left(outcome)), .leave(outcome)]
    }

    /// Whether the checkpoint of the worker that hands over is whole. Its connection may break after that, and then it
    /// sends all of it again.
    var hasAllPieces: Bool { isAdopting || handedOver != nil }

    /// The worker that hands over has sent everything, and all of it was acknowledged.
    mutating func allHandedOver() -> [Action] {
        if let handedOver { return [.tell(.handedOver(handedOver))] }
        guard !isAdopting else { return [] }
        isAdopting = true
        return [.adopt]
    }

    /// Pieces of the other worker's checkpoint are missing: it has to begin again.
    mutating func notAdopted() -> [Action] {
        isAdopting = false
        return (predecessor.map { askAgain($0) } ?? []) + proceed()
    }

    /// The other worker's checkpoint is this one's now, or there was none.
    mutating func adopted(step: Int) -> [Action] {
        isAdopting = false
        let body = Body.HandedOver(step: UInt64(step), messages: UInt64(book.messageCount))
        handedOver = body
        return [.tell(.handedOver(body)), .tellObserver(.tookOver(messages: book.messageCount, step: step))] + proceed()
    }
}

// Room in the store.
extension WorkerMachine {
    /// Bytes that the store takes, as far as anybody knows.
    var room: Int {
        if settings.endsWhenFull { return .max }
        return lastRefusal == nil ? max(0, roomBytes) : 0
    }

    /// Whose account it is.
    private func holder(of account: UInt32) -> String? {
        if account == CreditLedger.handover { return predecessor }
        return replicaAccounts.first { $0.value == account }?.key ?? name(of: account)
    }

    /// Whether credits have stopped.
    var isFull: Bool { room < settings.rowBytes }

    /// The store had no room for something.
    mutating func full(_ error: StoreError, now: Duration) -> [Action] {
        switch error {
        case .full, .diskFull: (refusal, lastRefusal) = (error, now)
        default: return []
        }
        guard !isToldFull else { return [] }
        isToldFull = true
        return [.tellObserver(.storeFull(problem: error.problem))]
    }

    /// Time has passed: credits follow the room.
    mutating func ticked(now: Duration) -> [Action] {
        // Nobody says when a disk has room again: after a while, devices may try.
        if let last = lastRefusal, now - last >= Self.diskPause { lastRefusal = nil }
        ledger.roomBytes = room
        var actions: [Action] = []
        if isFull != isToldFull, !settings.endsWhenFull {
            isToldFull = isFull
            actions = [.tellObserver(isFull ? .storeFull(problem: "The activation store has no room") : .storeHasRoom)]
        }
        if case .ended(.drained) = phase, order == nil {
            graceBegan = graceBegan ?? now
            if let began = graceBegan, now - began >= settings.graceLimit { return actions + leave(.drained) }
        }
        guard isServing else { return actions }
        for (device, bytes) in ledger.replenish(leastBytes: settings.rowBytes) {
            let name = holder(of: device)
            guard let name, let session = sessions[name] else { continue }
            actions.append(.reply(to: name, session: session, .credit(Body.Credit(bytes: UInt64(bytes)))))
        }
        return actions + proceed()
    }
}
