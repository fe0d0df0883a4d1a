import ArgumentParser
import Foundation
import Runs

/// How a role's process reaches a coordinator and proves who it is.
struct LinkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the coordinator listens, such as tcp://server:7070. From PERMAFROST_COORDINATOR or the recipe if left out.",
            valueName: "endpoint"))
    var coordinator: String?

    @Option(help: "This role's key file, made by 'permafrost keys generate'.", completion: .file(extensions: ["key"]))
    var key: String?

    @Option(help: "The coordinator's public key file.", completion: .file(extensions: ["pub"]))
    var coordinatorKey: String?

    @Flag(help: "Speak plain TCP, without keys: for networks in which everybody may do everything.")
    var insecure = false

    func validate() throws {
        guard insecure != (key != nil && coordinatorKey != nil) else {
            throw ValidationError(
                insecure
                    ? "--insecure takes no keys." : "Name --key and --coordinator-key, or say --insecure to do without keys.")
        }
    }

    /// The coordinator's endpoint: of the option, the environment, or a recipe.
    func endpoint(recipe: String?) throws -> String {
        if let coordinator { return coordinator }
        if let endpoint = ProcessInfo.processInfo.environment["PERMAFROST_COORDINATOR"] { return endpoint }
        guard let recipe else { throw ValidationError("Name --coordinator, or a recipe that has network.coordinator.") }
        return try coordinatorEndpoint(recipe: recipe)
    }

    var security: RoleSecurity {
        insecure ? .insecure : .curve(keyFile: key ?? "", coordinatorKeyFile: coordinatorKey)
    }
}
