import Diagnostics
import Queueing
import Recipes
import Wire

/// What the coordinator tells a role that knows nothing but its address.
struct Invitation: Sendable {
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
    ///   - stop: ends the asking.
    ///   - isWaiting: called now and then while nobody answers, with the reason if there is one.
    /// - Returns: nil when it was stopped.
    /// - Throws: `RunError.notInvited` when the coordinator does not know the role, `RecipeError`, `TransportError`.
    static func ask(
        as role: Body.Role, id: String, endpoint: String, security: SocketSecurity, context: ZeroMQContext,
        stop: WakeSignal, isWaiting: (String) -> Void
    ) throws -> Invitation? {
        let link = try ControlLink(
            context: context, run: "", sender: id, endpoint: endpoint, security: security,
            heartbeatInterval: .seconds(2), silenceLimit: .seconds(10))
        var poller = Poller()
        link.add(to: &poller)
        _ = poller.add(fileDescriptor: stop.fileDescriptor)
        while true {
            try link.tell(.recipeRequest(role))
            isWaiting(endpoint)
            try poller.wait(milliseconds: 2000)
            if stop.drain() { return nil }
            while let envelope = try link.order() {
                switch envelope.body {
                case .runRecipe(let answer):
                    return Invitation(
                        run: envelope.run, recipe: try Recipe.parse(yaml: answer.recipe, file: "the run's recipe"),
                        text: answer.recipe, number: Int(answer.number))
                case .reject(let reject):
                    throw RunError.notInvited(id: id, reason: reject.text)
                default: break
                }
            }
        }
    }
}
