import Diagnostics
import Queueing
import Recipes
import Wire

/// What the coordinator tells a role that knows nothing but its address.
struct Invitation: Sendable {
    private static let interval = Duration.seconds(2)

    /// The run's id.
    let run: String
    /// The run's recipe.
    let recipe: Recipe
    /// The recipe as it came.
    let text: String
    /// The device's place in the run's plan, from 0; 0 for a worker.
    let number: Int

    /// Asks a coordinator, which need not be there yet, until it answers.
    ///
    /// - Parameters:
    ///   - patience: how long to go on without any answer; nil is for ever.
    ///   - stop: ends the asking.
    ///   - isOver: called when the run has ended, with the coordinator's reason.
    ///   - isWaiting: called for every try but the first that nobody answered, with the reason if one is known.
    /// - Returns: nil when it was stopped, or the run has ended.
    /// - Throws: `RunError.notInvited` when the run has no place for the role, `.anotherProtocol` when the coordinator
    ///   speaks another major version, `.unusableRun`, `PatienceError`, `RecipeError`, `TransportError`.
    static func ask(
        as role: Body.Role, id: String, endpoint: String, security: SocketSecurity, context: ZeroMQContext,
        patience limit: Duration?, stop: WakeSignal, isOver: (_ reason: String) -> Void,
        isWaiting: (_ reason: String?) -> Void
    ) throws -> Invitation? {
        let link = Link(context: context, run: "", sender: id)
        try link.connect(endpoint, security: security)
        let clock = RoleClock()
        var poller = Poller()
        _ = poller.add(link)
        let stopping = poller.add(fileDescriptor: stop.fileDescriptor)
        var nextTry = Self.interval
        var refusal: String?
        var patience = Patience(limit: limit)
        while poller.ready(stopping).isEmpty {
            let wait = min(nextTry - clock.now, link.untilDue ?? .seconds(60))
            try poller.wait(milliseconds: wait.pollMilliseconds)
            while let event = try link.event() {
                if case .refused(let reason) = event { refusal = reason }
                if case .connected = event { try link.send(.recipeRequest(role)) }
            }
            while let received = try link.receive() {
                if case .unreadable(.unsupportedVersion(let version), _) = received {
                    throw RunError.anotherProtocol(
                        endpoint: endpoint, reason: WireError.unsupportedVersion(version).problem)
                }
                guard case .message(let envelope, _, _) = received else { continue }
                patience.heard(now: clock.now)
                switch envelope.body {
                case .runRecipe(let answer):
                    // It names a folder.
                    guard envelope.run.isPlainName(longest: 200) else {
                        throw RunError.unusableRun(envelope.run, endpoint: endpoint)
                    }
                    return Invitation(
                        run: envelope.run, recipe: try Recipe.parse(yaml: answer.recipe, file: "the run's recipe"),
                        text: answer.recipe, number: Int(answer.number))
                case .stop(let stop):
                    link.run = envelope.run
                    try link.send(.goodbye(reason: stop.reason))
                    isOver(stop.reason)
                    return nil
                case .reject(let reject) where reject.number == ProtocolError.unsupportedVersion.rawValue:
                    throw RunError.anotherProtocol(endpoint: endpoint, reason: reject.text)
                case .reject(let reject): throw RunError.notInvited(id: id, reason: reject.text)
                default: break
                }
            }
            if let silence = patience.end(isBusy: false, now: clock.now) {
                throw PatienceError.coordinatorSilent(endpoint: endpoint, seconds: silence.seconds)
            }
            guard clock.now >= nextTry else { continue }
            nextTry = clock.now + Self.interval
            isWaiting(refusal)
            try link.send(.recipeRequest(role))
        }
        return nil
    }
}
