import Wire

/// Who a key belongs to.
public struct EnrolledPeer: Hashable, Sendable, CustomStringConvertible {
    /// What the owner of the key may do.
    public var role: Body.Role
    /// The sender id that its messages must have.
    public var id: String

    /// A device or worker by its id.
    public init(role: Body.Role, id: String) {
        self.role = role
        self.id = id
    }

    /// A peer from its user id; nil when it is none.
    init?(userID: String) {
        let parts = userID.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let role = Body.Role.allCases.first(where: { "\($0)" == parts[0] }) else { return nil }
        self.init(role: role, id: String(parts[1]))
    }

    /// The user id under which ZeroMQ shows it: `device:gateway-7`.
    public var userID: String { "\(role):\(id)" }

    /// The user id.
    public var description: String { userID }
}

extension Body {
    /// Whether the owner of a key of this role may say it. Hello, activations and their end come from devices and from a
    /// worker that hands over. What only the other side says is refused where it arrives.
    func isAllowed(to role: Role) -> Bool {
        switch self {
        case .register(let register): register.role == role
        case .recipeRequest(let asked): asked == role
        case .deviceProgress: role == .device
        case .stepReport, .workerFinished, .queueReport, .handedOver, .stepsWanted: role == .worker
        case .handoverFile, .stepOrder, .stepPart, .tensorPiece: role == .worker
        case .hello, .activations, .finished, .credit, .ack, .reject, .stop, .welcome: true
        case .failure, .heartbeat, .heartbeatReply, .goodbye, .registerAgain: true
        case .assignment, .runPlan, .drain, .stepRecorded, .recordedSteps, .runRecipe, .orderedMicroBatch: true
        case .methodGreeting, .methodPart, .methodReceived: true
        }
    }

    /// Whether it begins a conversation, so that answers go where it came from.
    var isIntroduction: Bool {
        switch self {
        case .hello, .register, .recipeRequest, .methodGreeting: true
        default: false
        }
    }
}
