import Wire

/// What a coordinator tells about a run while it goes on.
public enum CoordinatorEvent: Sendable, Equatable {
    /// A device with its samples, or a worker, is there.
    case registered(id: String, samples: Int?)
    /// Everybody is there and knows the plan.
    case began
    /// A device published.
    case deviceProgress(device: String, Body.DeviceProgress)
    /// The worker took a step.
    case step(Body.StepReport)
}

/// How a run ended, with the worker's totals when it could still tell them.
public enum CoordinatorOutcome: Sendable, Equatable {
    /// Every step was taken.
    case completed(Body.WorkerFinished)
    /// The user stopped the run.
    case interrupted(Body.WorkerFinished?)
    /// Somebody was lost or could not go on.
    case failed(CoordinatorError, Body.WorkerFinished?)

    func adding(_ totals: Body.WorkerFinished) -> CoordinatorOutcome {
        switch self {
        case .completed: self
        case .interrupted: .interrupted(totals)
        case .failed(let error, _): .failed(error, totals)
        }
    }
}
