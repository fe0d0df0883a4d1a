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
        var recorded: [[UInt64]] = []

        var newest: UInt64 { UInt64(step + recorded.count) }
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
        guard var history, page.after == history.newest else { return [] }
        for step in page.steps {
            guard step.step == history.newest + 1 else {
                throw .pastUnusable(step: step.step, reason: "the step before it is not recorded")
            }
            history.recorded.append(step.sampleIDs)
        }
        self.history = history
        guard page.isComplete || page.steps.isEmpty else { return [.tell(.stepsWanted(after: history.newest))] }
        let past = try past(history)
        self.history = nil
        return schedule(after: history.step, past: past)
    }

    /// What the history says, once every step has as many samples of the plan as it has to have.
    private func past(_ history: History) throws(WorkerError) -> WorkSchedule.Past {
        let counts = plan.map { $0.devices.map { Int($0.samples) } } ?? []
        let samples = counts.reduce(0, +), batch = settings.batch
        let start = StepPosition(after: history.step, samples: samples, batchSize: batch)
        var past = WorkSchedule.Past()
        past.used = try references(history.used, counts, step: history.newest)
        guard past.used.count == start.batch * batch else {
            throw .pastUnusable(
                step: UInt64(history.step),
                reason: "its checkpoint knows \(past.used.count) samples of the epoch so far")
        }
        for (offset, ids) in history.recorded.enumerated() {
            let taken = history.step + offset
            let position = StepPosition(after: taken, samples: samples, batchSize: batch)
            let expected = min(batch, samples - position.batch * batch)
            guard position.epoch <= settings.epochs, ids.count == expected else {
                throw .pastUnusable(step: UInt64(taken + 1), reason: "it is recorded with \(ids.count) samples")
            }
            past.recorded.append(try references(ids, counts, step: UInt64(taken + 1)))
        }
        return past
    }

    private func references(
        _ ids: [UInt64], _ counts: [Int], step: UInt64
    ) throws(WorkerError) -> [SampleReference] {
        let references = ids.map { SampleReference(storeID: $0) }
        for reference in references {
            guard reference.device < counts.count, reference.index < counts[reference.device] else {
                throw .pastUnusable(step: step, reason: "it has a sample that the plan does not know")
            }
        }
        return references
    }
}
