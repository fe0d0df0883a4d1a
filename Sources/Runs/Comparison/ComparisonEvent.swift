import Experiments

/// What a comparison tells while it goes on, for whoever shows it.
public enum ComparisonEvent: Sendable {
    /// Runs are about to begin; some may have ended before.
    case began(folder: String, done: Int, of: Int)
    /// A run is under way.
    case running(Progress)
    /// A run has ended.
    case ended(ExperimentRecord, done: Int, of: Int)

    /// Where a comparison stands.
    public struct Progress: Sendable {
        /// The run that is under way.
        public var job: ExperimentJob
        /// Runs that have ended.
        public var done: Int
        /// Runs in all.
        public var count: Int
        /// The newest evaluation of the run under way, nil before the first.
        public var point: ExperimentResult.Point?
        /// Estimated from the runs that have ended, nil before the first.
        public var secondsLeft: Double?
    }
}
