import Datasets
import Wire

// A worker goes on after its checkpoint. Where the samples of a step depend on what had arrived when it was taken, the
// steps since then have to be taken with the samples that the coordinator has recorded, or the run would have two pasts.
extension WorkerMachine {
    /// What is known so far of the steps before the schedule begins.
    struct History: Equatable {
        /// The checkpoint's step.
        let step: Int
        /// What the steps of the current epoch up to there have trained.
        let used: [UInt64]
        /// By each recorded step after it.
        var recorded: [[SampleReference]] = []

        var newest: Int { step + recorded.count }
    }

    /// The schedule waits for the steps that are recorded after this one.
    mutating func askHistory(after step: Int, used: [UInt64]) -> [Action] {
        history = History(step: step, used: used)
        return [.tell(.stepsWanted(after: UInt64(step)))]
    }

    /// The coordinator tells recorded steps: they are taken again first.
    ///
    /// - Throws: `WorkerError.pastUnusable` when they do not fit the plan or the checkpoint.
    mutating func recalled(_ page: Body.RecordedSteps) throws(WorkerError) -> [Action] {
        // An answer that was asked for twice comes twice.
        guard var history, page.after == UInt64(history.newest) else { return [] }
        for step in page.steps {
            let expected = position(after: history.newest)
            guard step.step == UInt64(history.newest) + 1, expected.position.epoch <= settings.epochs,
                step.sampleIDs.count == expected.batch
            else {
                throw .pastUnusable(step: step.step, reason: "its record does not follow step \(history.newest)")
            }
            history.recorded.append(try references(step.sampleIDs, step: step.step))
        }
        self.history = history
        guard page.isComplete else {
            guard !page.steps.isEmpty else {
                throw .pastUnusable(step: page.after, reason: "the steps after it are not told")
            }
            return [.tell(.stepsWanted(after: UInt64(history.newest)))]
        }
        let used = try references(history.used, step: UInt64(history.step))
        guard used.count == position(after: history.step).position.batch * settings.batch else {
            throw .pastUnusable(
                step: UInt64(history.step), reason: "its checkpoint knows \(used.count) samples of the epoch so far")
        }
        self.history = nil
        return schedule(after: history.step, past: WorkSchedule.Past(used: used, recorded: history.recorded))
    }

    /// Where the step after so many lies, and how many samples it has.
    private func position(after step: Int) -> (position: StepPosition, batch: Int) {
        let samples = plan?.devices.reduce(0) { $0 + Int($1.samples) } ?? 0, batch = settings.batch
        let position = StepPosition(after: step, samples: samples, batchSize: batch)
        return (position, min(batch, samples - position.batch * batch))
    }

    private func references(_ ids: [UInt64], step: UInt64) throws(WorkerError) -> [SampleReference] {
        let references = ids.map { SampleReference(storeID: $0) }
        guard references.allSatisfy({ owns(device: UInt32($0.device), sample: UInt64($0.index)) }) else {
            throw .pastUnusable(step: step, reason: "it has a sample that the plan does not know")
        }
        return references
    }
}
