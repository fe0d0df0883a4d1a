import Datasets
import Queueing
import Wire

// What becomes of stored samples that are not what was written.
extension WorkerMachine {
    /// A stored sample is damaged. Nothing was made of it.
    ///
    /// - Parameter work: what was to be made of it.
    mutating func damaged(_ sample: SampleReference, in work: WorkSchedule.Work, problem: String) -> [Action] {
        switch work {
        case .step(_, let samples):
            isStepping = false
            schedule?.notStepped(samples)
        case .advance(let samples, let cut): schedule?.notAdvanced(samples, cut: cut)
        }
        let device = UInt32(sample.device)
        guard let message = book.remove(holding: sample), let name = name(of: device) else { return proceed() }
        schedule?.lost(message.samples)
        let actions: [Action] = [
            .forget(device: device, sequence: message.sequence),
            .tellObserver(.damaged(device: name, sequence: message.sequence, problem: problem)),
        ]
        return actions + proceed()
    }

    /// The store knows nothing of a message any more. Whoever sent it is asked for it only now: an earlier copy would
    /// have met the damaged one.
    mutating func forgotten(device: UInt32, sequence: UInt64) -> [Action] {
        ingress.unsettle(sequence, of: device)
        return (predecessor ?? name(of: device)).map { askAgain($0) } ?? []
    }

    /// Lets a device introduce itself again: the `Welcome` tells it what is missing.
    mutating func askAgain(_ sender: String) -> [Action] {
        guard let session = sessions.removeValue(forKey: sender) else { return [] }
        ledger.close(sender == predecessor ? CreditLedger.handover : numbers[sender] ?? 0)
        return [.reply(to: sender, session: session, .reject(Body.Reject(sequence: 0, error: .unknownSession)))]
    }
}
