import Balancing
import Coordinator
import Datasets
import Diagnostics
import Foundation
import Ledger
import Models
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
        /// How long a run that has ended waits for devices and workers that are away.
        public var linger: Duration
        /// Whether the coordinator stays after the run until it is stopped.
        public var stays: Bool

        /// A coordinator's options.
        public init(
            listen: String?, state: String, security: RoleSecurity, again: Bool = false,
            linger: Duration = .seconds(30), stays: Bool = false
        ) {
            self.listen = listen
            self.state = state
            self.security = security
            self.again = again
            self.linger = linger
            self.stays = stays
        }
    }

    /// What a coordinator tells while it works.
    public enum News: Sendable {
        /// It can be reached.
        case listening(endpoint: String)
        /// Of the run.
        case run(CoordinatorEvent)
        /// Every step was taken.
        case completed(Body.WorkerFinished)
    }

    private let options: Options
    private let cache: CacheFolder
    private let ledger: Ledger
    private let recipe: Recipe
    private let resolved: String
    private let coordinator = Mutex<Coordinator?>(nil)
    private let isStopping = Atomic(false)
    private let isLeaving = Atomic(false)
    private let hasEnded = Atomic(false)

    /// The run's id.
    public let run: String
    /// What the ledger knows of the run from before; nil for a new one.
    public let earlier: RecordedRun?

    /// Opens the ledger, and chooses the run: the newest one of the recipe, or a new one.
    ///
    /// - Parameter given: nil for the recipe of the newest run.
    /// - Throws: `LedgerError`, `RunError`, `RecipeError`.
    public init(_ given: Recipe?, _ options: Options, cache: CacheFolder = CacheFolder()) throws {
        self.options = options
        self.cache = cache
        ledger = try Ledger(folder: options.state, access: .coordinator)
        let newest = try ledger.runs().first
        guard
            let recipe = try given
                ?? newest.map({ try Recipe.parse(yaml: $0.recipe, file: "the recipe of \($0.id)") })
        else { throw RunError.noRun(state: options.state) }
        self.recipe = recipe
        let text = try given?.resolvedYAML() ?? newest?.recipe ?? ""
        // Of a run that trained on devices nothing is left to go on with once they have gone.
        let isLost = recipe.training.method.trainsOnDevices && newest?.state != .completed
        if let newest, text == newest.recipe, !(newest.state.isOver && (options.again || isLost)) {
            earlier = newest
            run = newest.id
            resolved = newest.recipe
            return
        }
        if let newest, !newest.state.isOver { throw RunError.anotherRun(run: newest.id, state: options.state) }
        let limit = WireLimits().recipeBytes
        guard text.utf8.count <= limit else { throw RunError.recipeTooLong(bytes: text.utf8.count, limit: limit) }
        guard recipe.training.method != .central else { throw RunError.notDistributed }
        try recipe.checkStageMemory(cache: cache)
        earlier = nil
        run = RunFolder.id(name: recipe.name)
        resolved = text
    }

    /// Whether there is nothing left to do but to tell whoever comes. Callable from any thread.
    public var isOver: Bool { earlier?.state == .completed || hasEnded.load(ordering: .relaxed) }

    /// Ends the run after the step under way. Callable from any thread.
    public func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        coordinator.withLock { $0 }?.stop()
    }

    /// Ends the coordination and not the run: everybody else goes on, and looks for the next coordinator. Callable from any
    /// thread.
    public func leave() {
        isLeaving.store(true, ordering: .sequentiallyConsistent)
        coordinator.withLock { $0 }?.leave()
    }

    /// Coordinates to the end of the run. Blocks the calling thread.
    ///
    /// - Parameter pulse: beaten by the loop.
    /// - Throws: a `NumberedError` for whatever a user can mend; `RunError.stopped` after `stop`, `.left` after `leave`.
    public func run(pulse: LoopPulse? = nil, observer: (News) -> Void) throws {
        // It ends with this call, after what was said last is sent.
        let context = try ZeroMQContext()
        defer { coordinator.withLock { $0 = nil } }
        var configuration = try configuration(context)
        configuration.pulse = pulse
        let coordinator = try Coordinator(configuration, context: context, ledger: ledger)
        self.coordinator.withLock { $0 = coordinator }
        if isStopping.load(ordering: .sequentiallyConsistent) { coordinator.stop() }
        if isLeaving.load(ordering: .sequentiallyConsistent) { coordinator.leave() }
        let outcome = try coordinator.run(
            isListening: { observer(.listening(endpoint: $0)) },
            observer: { event in
                if case .staying = event { hasEnded.store(true, ordering: .relaxed) }
                observer(.run(event))
            })
        switch outcome {
        case .completed(let totals): observer(.completed(totals))
        case .left: throw RunError.left(run: run, state: options.state)
        case .interrupted(let totals):
            throw RunError.stopped(run: run, steps: Int(clamping: totals?.steps ?? 0), state: options.state)
        case .failed(let error, _): throw error
        }
    }

    private func configuration(_ context: ZeroMQContext) throws -> Coordinator.Configuration {
        let devices = recipe.devices, trainsOnDevices = recipe.training.method.trainsOnDevices
        var configuration = Coordinator.Configuration(
            run: run, endpoint: try listeningEndpoint(),
            devices: devices.cuts.enumerated().map { .init(id: devices.id($0), cut: recipe.deviceCut($1)) },
            seed: recipe.seed,
            silenceLimit: .seconds(devices.silenceSeconds))
        configuration.security = try options.security.server(id: "coordinator", context: context)
        configuration.losses = trainsOnDevices ? .end : .wait
        configuration.linger = options.linger
        configuration.stays = options.stays
        configuration.replicas = recipe.pipeline.replicas
        configuration.stages = recipe.pipeline.workers
        configuration.codec = devices.codec == .auto ? .automatic : .fixed(recipe.payloadCodec)
        configuration.recipeName = recipe.name
        configuration.recipe = resolved
        configuration.plannedSteps = { [recipe] in StepBudget(recipe, samples: $0).steps }
        if devices.balance == .measured, !trainsOnDevices, let model = modelFacts() {
            let message = devices.publishBatch * recipe.task.maximumTokens * Int(model.bytesPerToken)
            configuration.balancing = .init(
                model: model,
                settings: BalancePolicy.Settings(
                    credits: CreditLimits(
                        totalBytes: recipe.store.ingestBytes, messageBytes: min(message, devices.creditBytes)),
                    change: devices.balanceChange))
        }
        return configuration
    }

    /// What balancing must know of the model; nil when it is not on this machine, and then cuts stay as they are.
    private func modelFacts() -> ModelFacts? {
        guard let source = try? OpenedModel(recipe, cache: cache).source else { return nil }
        let sizes = source.hyperparameters
        let block = TrainableLayout(model: sizes, blocks: 0..<1, form: .full, classes: nil).count
        // Codecs that follow links leave to the cuts what the smallest one leaves.
        let codec = recipe.devices.codec == .auto ? .int8 : recipe.payloadCodec
        var facts = ModelFacts(
            frozenBlocks: recipe.model.frozenBlocks,
            bytesPerToken: Double(codec.bytesPerRow(columns: sizes.width)),
            memoryBytesPerBlock: block * MemoryLayout<Float>.stride,
            fixedMemoryBytes: 64 << 20 + recipe.devices.creditBytes, epochs: recipe.training.epochs)
        // Forward, and backward to activations and weights: of adapters the latter is little.
        let passes = recipe.training.trainable == .full ? 3.0 : 2.1
        facts.stepInBlocks = passes * Double(sizes.layers - recipe.model.frozenBlocks)
        return facts
    }

    /// All addresses of this machine, on the port at which others reach it.
    private func listeningEndpoint() throws -> String {
        let named = recipe.network.coordinator
        if let listen = options.listen { return listen }
        guard named.hasPrefix("tcp://"), let colon = named.lastIndex(of: ":") else { return named }
        return "tcp://*\(named[colon...])"
    }
}
