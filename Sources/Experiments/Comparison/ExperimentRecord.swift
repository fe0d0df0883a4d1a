/// One run that a comparison asks for.
public struct ExperimentJob: Codable, Hashable, Sendable {
    /// Which run.
    public var key: ExperimentKey
    /// With which learning rate.
    public var learningRate: Double

    /// A run with a learning rate.
    public init(key: ExperimentKey, learningRate: Double) {
        self.key = key
        self.learningRate = learningRate
    }

    /// A name that no other run of a comparison has, fit for a file.
    public var name: String {
        let imbalance = key.imbalance.replacing("(", with: "-").replacing(")", with: "")
        return "\(key.method)_\(imbalance)_seed-\(key.seed)_rate-\(learningRate)"
    }
}

/// What is kept of a run that a comparison asked for.
public struct ExperimentRecord: Codable, Equatable, Sendable {
    /// What was asked for.
    public var job: ExperimentJob
    /// What this machine took in all.
    public var seconds: Double
    /// What became of it; nil for a run that diverged, as a high learning rate of a sweep may.
    public var result: ExperimentResult?

    /// A run that ended.
    public init(job: ExperimentJob, seconds: Double, result: ExperimentResult?) {
        self.job = job
        self.seconds = seconds
        self.result = result
    }
}
