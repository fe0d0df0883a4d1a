import Ledger
import Wire

// A worker that goes on after its checkpoint is told which samples later steps have trained.
extension CoordinatorMachine {
    mutating func historyWanted(after step: UInt64, _ id: String) {
        // Nothing that an earlier process of the worker has sent is recorded after this: its session is over.
        guard id == roster.owner, let session = roster.session(of: id) else { return }
        actions.append(.recall(to: id, session: session, after: Int(told: step)))
    }
}

extension Ledger {
    /// The recorded steps after one, as many as a message may have.
    func history(of run: String, after step: Int) throws(LedgerError) -> Body.RecordedSteps {
        let limits = WireLimits()
        let records = try steps(of: run, after: step, limit: limits.recordedSteps)
        var samples = 0
        let fitting = records.prefix { record in
            samples += record.sampleIDs.count
            return samples <= limits.stepSamples
        }
        return Body.RecordedSteps(
            after: UInt64(step),
            steps: fitting.map { Body.RecordedStep(step: UInt64($0.step), sampleIDs: $0.sampleIDs) },
            isComplete: fitting.count == records.count && records.count < limits.recordedSteps)
    }
}
