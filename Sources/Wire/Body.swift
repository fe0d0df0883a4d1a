/// What a message says. Exactly one kind per message; `Proto/permafrost.proto` is the contract.
///
/// Decoded values are what the sender stated, not what is true: activations pass `ActivationCheck` before use.
public enum Body: Sendable, Equatable {
    case hello(Hello)
    case activations(Activations)
    case finished(Finished)
    case handoverFile(HandoverFile)
    case credit(Credit)
    case ack(Ack)
    case reject(Reject)
    case stop(Stop)
    case welcome(Welcome)
    case register(Register)
    case deviceProgress(DeviceProgress)
    case stepReport(StepReport)
    case workerFinished(WorkerFinished)
    case failure(Failure)
    /// Nanoseconds on the sender's clock.
    case heartbeat(time: UInt64)
    /// The time of the heartbeat that it answers.
    case heartbeatReply(time: UInt64)
    case recipeRequest(Role)
    case queueReport(QueueReport)
    case goodbye(reason: String)
    case handedOver(HandedOver)
    /// Asks for the recorded steps after this one.
    case stepsWanted(after: UInt64)
    case assignment(Assignment)
    case runPlan(RunPlan)
    case drain(Drain)
    case stepRecorded(step: UInt64)
    case recordedSteps(RecordedSteps)
    case runRecipe(RunRecipe)
    case registerAgain
    case stepOrder(StepOrder)
    case stepPart(StepPart)
    case tensorPiece(TensorPiece)
    case orderedMicroBatch(OrderedMicroBatch)
    case methodGreeting(MethodGreeting)
    case methodPart(MethodPart)
    /// All parts before this one have arrived.
    case methodReceived(next: MethodPlace)

    /// The kind of the message, as in the contract.
    public var name: String {
        switch self {
        case .hello: "Hello"
        case .activations: "Activations"
        case .finished: "Finished"
        case .handoverFile: "HandoverFile"
        case .credit: "Credit"
        case .ack: "Ack"
        case .reject: "Reject"
        case .stop: "Stop"
        case .welcome: "Welcome"
        case .register: "Register"
        case .deviceProgress: "DeviceProgress"
        case .stepReport: "StepReport"
        case .workerFinished: "WorkerFinished"
        case .failure: "Failure"
        case .heartbeat: "Heartbeat"
        case .heartbeatReply: "HeartbeatReply"
        case .recipeRequest: "RecipeRequest"
        case .queueReport: "QueueReport"
        case .goodbye: "Goodbye"
        case .handedOver: "HandedOver"
        case .stepsWanted: "StepsWanted"
        case .assignment: "Assignment"
        case .runPlan: "RunPlan"
        case .drain: "Drain"
        case .stepRecorded: "StepRecorded"
        case .recordedSteps: "RecordedSteps"
        case .runRecipe: "RunRecipe"
        case .registerAgain: "RegisterAgain"
        case .stepOrder: "StepOrder"
        case .stepPart: "StepPart"
        case .tensorPiece: "TensorPiece"
        case .orderedMicroBatch: "OrderedMicroBatch"
        case .methodGreeting: "MethodGreeting"
        case .methodPart: "MethodPart"
        case .methodReceived: "MethodReceived"
        }
    }
}
