import Datasets

/// Chooses the samples of a step: all that the orders of a recipe differ in.
///
/// A choice depends on the seed, the epoch so far and what is here, on nothing else: no order remembers anything, so
/// that a run can go on from the samples that earlier steps have used.
protocol StepOrder: Sendable {
    /// Takes the samples of the epoch's next step off the shelf; nil when the step has to wait. There is a next step.
    func draw(_ epoch: EpochPlan, from shelf: inout SampleShelf) -> [SampleReference]?
}

extension TrainingOrder {
    /// What chooses the samples of a step.
    func chooser(seed: UInt64) -> any StepOrder {
        switch self {
        case .deterministic: DeterministicOrder()
        case .fullEpoch: FullEpochOrder(seed: seed)
        case .available: AvailableOrder(seed: seed)
        }
    }
}

/// The samples of a step are a function of the seed and the shard sizes. A step waits for exactly these.
struct DeterministicOrder: StepOrder {
    func draw(_ epoch: EpochPlan, from shelf: inout SampleShelf) -> [SampleReference]? {
        guard shelf.isReady(epoch.planned) else { return nil }
        shelf.take(epoch.planned)
        return epoch.planned
    }
}
