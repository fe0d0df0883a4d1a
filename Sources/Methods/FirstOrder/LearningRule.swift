import Models

/// How a side moves what trains there along a gradient.
public struct LearningRule: Sendable {
    let optimizer: @Sendable (TrainableLayout) -> any Optimizer
    let schedule: LearningRateSchedule

    /// - Parameters:
    ///   - schedule: by the steps of the whole run.
    ///   - optimizer: makes one that remembers nothing yet.
    public init(
        schedule: LearningRateSchedule, optimizer: @escaping @Sendable (TrainableLayout) -> any Optimizer
    ) {
        self.schedule = schedule
        self.optimizer = optimizer
    }
}
