/// What a message says. Exactly one kind per message; `Proto/permafrost.proto` is the contract.
///
/// Decoded values are what the sender stated, not what is true: activations pass `ActivationCheck` before use.
public enum Body: Sendable, Equatable {
    case hello(Hello)
    case activations(Activations)
    case finished(Finished)
    case credit(Credit)
    case ack(Ack)
    case reject(Reject)
    case stop(Stop)
    case register(Register)
    case deviceProgress(DeviceProgress)
    case stepReport(StepReport)
    case workerFinished(WorkerFinished)
    case failure(Failure)
    case heartbeat
    case assignment(Assignment)
    case runPlan(RunPlan)

    /// The kind of the message, as in the contract.
    public var name: String {
        switch self {
        case .hello: "Hello"
        case .activations: "Activations"
        case .finished: "Finished"
        case .credit: "Credit"
        case .ack: "Ack"
        case .reject: "Reject"
        case .stop: "Stop"
        case .register: "Register"
        case .deviceProgress: "DeviceProgress"
        case .stepReport: "StepReport"
        case .workerFinished: "WorkerFinished"
        case .failure: "Failure"
        case .heartbeat: "Heartbeat"
        case .assignment: "Assignment"
        case .runPlan: "RunPlan"
        }
    }
}
