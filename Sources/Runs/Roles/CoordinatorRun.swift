import Balancing
import Checkpoints
import Coordinator
import Datasets
import Diagnostics
import Foundation
import Ledger
import Queueing
import Recipes
import Synchronization
import Wire

/// The coordinator of a distributed run as a process: recipe, ledger, keys, plan.
public final class CoordinatorRun: Sendable {
    /// Where the coordinator listens and what it remembers.
    public struct Options: Sendable {
        /// Where devices and workers reach it; nil listens on the port of the recipe's `network.coordinator`.
        public var listen: String?
        /// The folder of its ledger.
        public var state: String
        /// How it proves who it is.
        public var security: RoleSecurity
        /// Whether a recipe whose run is complete is run once more.
        public var again: Bool

        /// A coordinator's options.
        public init(listen: String?, state: String, security: RoleSecurity, again: Bool = false) {
            self.listen = listen
            self.state = state
            self.security = security
            self.again = again
        }
    }

    /// What a coordinator tells while it works.
    public enum News: Sendable {
        /// It can be reached.
        case listening(endpoint: String, run: RecordedRun, goesOn: Bool)
        /// Cuts stay as the recipe has them, and why.
        case notBalancing(reason: String)
        /// Of the run.
        case run(CoordinatorEvent)
    }

    private let options: Options
    private let cache: CacheFolder
    private let ledger: Ledger
    private let recorded: RecordedRun
    private let recipe: Recipe
    /// Whether the ledger knows the run from before.
    public let goesOn: Bool
    private let coordinator = Mutex<Coordinator?>(nil)
    private let isStopping = Atomic(false)

    /// Opens the ledger, and begins a run in it or goes on with the one that has not ended.
    ///
    /// - Parameter recipe: nil goes on with the recipe of the newest run.
    /// - Throws: `LedgerError`, `RunError`, `RecipeError`.
    public init(_ recipe: Recipe?, _ options: Options, cache: CacheFolder = CacheFolder()) throws {
        self.options = options
        self.cache = cache
        ledger = try Ledger(folder: options.state, access: .coordinator)
        let newest = try ledger.runs().first
        let text = try recipe?.resolvedYAML()
        if let newest, text == nil || text == newest.recipe, !newest.state.isOver || !options.again {
            recorded = newest
            goesOn = true
        } else {
            guard let recipe, let text else { throw LedgerError.noLedger(folder: options.state) }
            if let newest, !newest.state.isOver { throw RunError.anotherRun(run: newest.id, state: options.state) }
            let limit = WireLimits().recipeBytes
            guard text.utf8.count <= limit else { throw RunError.recipeTooLong(bytes: text.utf8.count, limit: limit) }
            let run = RecordedRun(
                id: RunFolder.id(name: recipe.name), recipeName: recipe.name, recipe: text, seed: recipe.seed)
            try ledger.record([.runBegan(run)])
            recorded = run
            goesOn = false
        }
        self.recipe = try recipe ?? Recipe.parse(yaml: recorded.recipe, file: "the run's recipe")
    }

    /// The run's id.
    public var run: String { recorded.id }

    /// Ends the run after the step under way. Callable from any thread.
    public func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        coordinator.withLock { $0 }?.stop()
    }

    /// Coordinates to the end of the run. Blocks the calling thread.
    ///
    /// - Throws: a `NumberedError` for whatever a user can mend; `RunError.interrupted` after `stop`.
    public func run(observer: (News) throws -> Void) throws {
        let context = try ZeroMQContext(ioThreads: 1)
        let keys = try options.security.keyPair()
        let authenticator = try keys.map { _ in try Authenticator(context: context) }
        let coordinator = try Coordinator(
            try configuration(keys, authenticator, observer: observer), context: context, ledger: ledger,
            authenticator: authenticator)
        self.coordinator.withLock { $0 = coordinator }
        if isStopping.load(ordering: .sequentiallyConsistent) { coordinator.stop() }
        let outcome = try coordinator.run(
            isListening: { endpoint in
                try? observer(.listening(endpoint: endpoint, run: recorded, goesOn: goesOn))
            },
            observer: { try observer(.run($0)) })
        switch outcome {
        case .completed: return
        case .interrupted(let totals):
            throw RunError.interrupted(folder: options.state, steps: Int(clamping: totals?.steps ?? 0))
        case .failed(let error, _): throw error
        }
    }
}
