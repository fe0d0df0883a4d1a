import ArgumentParser
import Foundation
import Logs
import Recipes
import Runs

/// How a role's process reaches a coordinator and proves who it is.
struct LinkOptions: ParsableArguments {
    @Argument(
        help: "A recipe, of which network.coordinator is taken; the run's own recipe comes from the coordinator.",
        completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String?

    @Option(
        help: "Where the coordinator listens, such as tcp://server:7070 (or PERMAFROST_COORDINATOR, or a recipe).")
    var coordinator: String?

    @Option(
        help: "This role's key file, of 'permafrost keys generate'.", completion: .file(extensions: ["key"]))
    var key: String?

    @Option(help: "The coordinator's public key file.", completion: .file(extensions: ["pub"]))
    var coordinatorKey: String?

    @Flag(help: "Speak plain TCP, without keys: anybody on the network can read and take part.")
    var insecure = false

    @Option(help: "Seconds without a word from a coordinator after which it leaves, unless it gets on; 0 is for ever.")
    var patience = 3600

    func validate() throws {
        guard patience >= 0 else { throw ValidationError("--patience is a number of seconds from 0 on.") }
        let named = [key, coordinatorKey].compactMap { $0 }.count
        guard named == (insecure ? 0 : 2) else {
            throw ValidationError("Name --key and --coordinator-key, or --insecure to speak plain TCP without keys.")
        }
        guard coordinator != nil || recipe != nil || Self.environment != nil else {
            throw ValidationError("Name --coordinator, set PERMAFROST_COORDINATOR, or name a recipe.")
        }
    }

    /// The coordinator's endpoint.
    ///
    /// - Throws: `RecipeError`.
    func endpoint() throws -> String {
        if let named = coordinator ?? Self.environment { return named }
        return try recipe.map { try Recipe.load(file: $0).network.coordinator } ?? ""
    }

    /// How long to wait for a word of the coordinator; nil is for ever.
    var patienceLimit: Duration? { patience > 0 ? .seconds(patience) : nil }

    var security: RoleSecurity {
        key.map { .curve(keyFile: $0, coordinatorKeyFile: coordinatorKey) } ?? .insecure
    }

    /// The same for a worker, of whose key the path may have its id.
    func security(at place: WorkerPlace) -> RoleSecurity {
        key.map { .curve(keyFile: place.fill($0), coordinatorKeyFile: coordinatorKey) } ?? .insecure
    }

    private static var environment: String? { ProcessInfo.processInfo.environment["PERMAFROST_COORDINATOR"] }
}

extension RoleLog {
    /// Says what plain TCP means, on every start.
    func warnOfPlainTCP(_ isInsecure: Bool) {
        guard isInsecure else { return }
        note("insecure", .warning, "insecure  plain TCP: anybody on the network can read activations and take part")
    }
}
