import Queueing
import Wire

/// What a coordinator tells about a run while it goes on.
public enum CoordinatorEvent: Sendable, Equatable {
    /// A device with its samples, or a worker, is there.
    case registered(id: String, samples: Int?)
    /// Somebody speaks another minor version of the protocol than the coordinator, or does not any longer.
    case speaks(id: String, minor: UInt32)
    /// Everybody is there and knows the plan.
    case began
    /// A device published.
    case deviceProgress(device: String, Body.DeviceProgress)
    /// The worker took a step.
    case step(Body.StepReport)
    /// A new plan holds.
    case planned(generation: Int, reason: String)
    /// A device or worker is missing; the run waits for it.
    case away(id: String, reason: String)
    /// Whoever was missing is there again.
    case returned(id: String)
    /// A device or worker said, or was told, why it cannot go on; the run waits for it.
    case failed(id: String, CoordinatorError)
    /// The coordinator has refused messages or handshakes.
    case refused(RefusalNotice)
    /// A worker leaves; who takes over, when there is anybody.
    case draining(worker: String, successor: String?)
    /// Another worker has everything and trains from here on.
    case handedOver(from: String, to: String)
    /// The run has ended, and these have not said goodbye: they are waited for, so that they hear of it.
    case lingering(for: [String], seconds: Double)
    /// The run has ended, and the coordinator stays until it is stopped.
    case staying(after: CoordinatorOutcome)
}

/// How a run ended, with the worker's totals when it could still tell them.
public enum CoordinatorOutcome: Sendable, Equatable {
    /// Every step was taken.
    case completed(Body.WorkerFinished)
    /// The user stopped the run.
    case interrupted(Body.WorkerFinished?)
    /// It has not: the coordinator was told to leave it.
    case left
    /// Somebody was lost or could not go on.
    case failed(CoordinatorError, Body.WorkerFinished?)

    func adding(_ totals: Body.WorkerFinished) -> CoordinatorOutcome {
        switch self {
        case .completed, .left: self
        case .interrupted: .interrupted(totals)
        case .failed(let error, _): .failed(error, totals)
        }
    }
}
