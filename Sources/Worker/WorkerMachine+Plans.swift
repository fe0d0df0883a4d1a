import Queueing
import Wire

extension WorkerMachine {
    /// What the store keeps of a device from an earlier process.
    struct Recalled {
        var settled = SequenceSet()
        var dead: Set<UInt64> = []
        var counters = StoreCounters()
        var messages: [MessageBook.Message] = []
    }

    /// The coordinator said which devices take part, and what is known of them.
    ///
    /// - Parameter recall: what is kept of a device, by its number.
    mutating func planned(_ new: Body.RunPlan, recall: (UInt32) -> Recalled = { _ in Recalled() }) -> [Action] {
        if let plan {
            // A repeated plan, or one that was overtaken, changes nothing.
            guard new.generation > plan.generation else { return [] }
            if let reason = contradiction(of: new, to: plan) {
                return [.tellObserver(.planRefused(generation: new.generation, reason: reason))]
            }
        } else {
            if let reason = impossibility(of: new) {
                return [.tellObserver(.planRefused(generation: new.generation, reason: reason))]
            }
            ledger = CreditLedger(
                limitBytes: settings.ingestBytes, deviceBytes: settings.creditBytesPerDevice,
                leastBytes: settings.rowBytes, devices: new.devices.count)
        }
        let known = plan?.devices ?? [], old = plan
        plan = new
        if new.predecessor != old?.predecessor { handedOver = nil }
        if new.predecessor.isEmpty { ledger.close(CreditLedger.handover) }
        for (index, device) in new.devices.enumerated() {
            let number = UInt32(index)
            numbers[device.device] = number
            ledger.plan(Int(clamping: device.creditBytes), for: number)
            guard device.samples > 0, !known.indices.contains(index) || known[index].samples == 0 else { continue }
            let recalled = recall(number)
            ingress.expect(
                number, samples: device.samples, settled: recalled.settled, dead: recalled.dead,
                counters: recalled.counters)
            for message in recalled.messages { book.add(message, of: number) }
        }
        let event = WorkerEvent.planned(
            generation: new.generation, devices: new.devices.count, known: new.devices.count { $0.samples > 0 })
        let enrolled: [Action] = [.enroll(new), .tellObserver(event)]
        let welcomes = welcomeWaiting()
        return enrolled + changed(from: old) + welcomes + proceed()
    }

    private func impossibility(of plan: Body.RunPlan) -> String? {
        guard !plan.devices.isEmpty, plan.devices.count < UInt32.max else { return "it has no device" }
        guard Set(plan.devices.map(\.device)).count == plan.devices.count else { return "it names a device twice" }
        guard plan.devices.allSatisfy({ $0.samples <= WireLimits().deviceSamples }) else {
            return "a device has too many samples"
        }
        return nil
    }

    private func contradiction(of new: Body.RunPlan, to plan: Body.RunPlan) -> String? {
        if let reason = impossibility(of: new) { return reason }
        guard new.seed == plan.seed else { return "it has another seed" }
        guard new.devices.map(\.device) == plan.devices.map(\.device) else { return "it has other devices" }
        for (device, before) in zip(new.devices, plan.devices) where before.samples > 0 {
            guard device.samples == before.samples else { return "\(device.device) has another number of samples" }
        }
        guard new.predecessor == plan.predecessor || new.predecessor.isEmpty || !hasBegun || plan.leader != nil else {
            return "another worker cannot hand over to one that trains"
        }
        return nil
    }

    /// The worker has registered, once more: what the coordinator has not answered is told again.
    func registered() -> [Action] {
        var actions = reports.map { Action.tell(.stepReport($0)) }
        if let history { actions.append(.tell(.stepsWanted(after: UInt64(history.newest)))) }
        if let handedOver { actions.append(.tell(.handedOver(handedOver))) }
        if case .ended(let outcome) = phase { actions.append(.tellFinished(drained: outcome == .drained)) }
        return actions
    }
}
