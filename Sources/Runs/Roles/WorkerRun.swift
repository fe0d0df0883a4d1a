import Checkpoints
import Coordinator
import Datasets
import Diagnostics
import Exchange
import Foundation
import Methods
import Queueing
import Recipes
import Synchronization
import Tensors
import Wire
import Worker

/// A worker of a distributed run as a process: recipe from the coordinator, model, durable store, training, score.
public final class WorkerRun: Sendable {
    /// Who the worker is and where it keeps what it has.
    public struct Options: Sendable {
        /// The worker's id, unique in the run.
        public var id: String
        /// Where the coordinator listens.
        public var coordinator: String
        /// Where the worker waits for devices.
        public var listen: String
        /// Where devices reach it, when that is another address; nil otherwise.
        public var advertised: String?
        /// The folder that has a folder for each run.
        public var state: String
        /// How it proves who it is.
        public var security: RoleSecurity
        /// How long it waits for a word of the coordinator when it can do nothing else; nil is for ever.
        public var patience: Duration?
        /// Where the worker is traced.
        public var trace: Trace?

        /// A worker's options.
        public init(
            id: String, coordinator: String, listen: String, advertised: String?, state: String,
            security: RoleSecurity, patience: Duration?, trace: Trace? = nil
        ) {
            self.trace = trace
            self.id = id
            self.coordinator = coordinator
            self.listen = listen
            self.advertised = advertised
            self.state = state
            self.security = security
            self.patience = patience
        }
    }

    /// What a worker tells while it works.
    public enum News: Sendable {
        /// Nobody answers at the coordinator's endpoint yet.
        case waiting(endpoint: String, reason: String?)
        /// The coordinator has told it the run.
        case invited(run: String)
        /// The run has ended before this role could take part.
        case over(reason: String)
        /// A newer checkpoint is not whole: the one before it is taken.
        case skipped(checkpoint: String, any NumberedError)
        /// Of loading, training and scoring.
        case run(RunEvent)
        /// Of the worker's part in the run.
        case worker(WorkerEvent)
    }

    private let options: Options
    private let cache: CacheFolder
    private let stopSignal: WakeSignal
    private let worker = Mutex<Worker?>(nil)
    /// Ends a method's server.
    private let serverStop: ProgramStop
    private let isStopping = Atomic(false)

    /// A worker that has not begun.
    ///
    /// - Throws: `TransportError`.
    public init(_ options: Options, cache: CacheFolder = CacheFolder()) throws {
        self.options = options
        self.cache = cache
        stopSignal = try WakeSignal()
        serverStop = try ProgramStop()
    }

    /// Lets the worker finish its step, write a checkpoint, hand over if somebody is there, and leave. Callable from any
    /// thread.
    public func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        stopSignal.signal()
        serverStop.request()
        worker.withLock { $0 }?.stop()
    }

    /// Works until the run ends or somebody says stop. Blocks the calling thread.
    ///
    /// - Parameter pulse: beaten by the loop.
    /// - Returns: the summary of a run that came to its end here; nil when this worker left before.
    /// - Throws: a `NumberedError` for whatever a user can mend.
    public func run(
        pulse: LoopPulse? = nil, observer: @escaping @Sendable (News) -> Void
    ) throws -> RunSummary? {
        let clock = RoleClock()
        // It ends with this call, after what was said last is sent.
        let context = try ZeroMQContext()
        defer { worker.withLock { $0 = nil } }
        let client = try options.security.client()
        let invitation = try Invitation.ask(
            as: .worker, id: options.id, endpoint: options.coordinator, security: client, context: context,
            patience: options.patience, stop: stopSignal, isOver: { observer(.over(reason: $0)) }
        ) { observer(.waiting(endpoint: options.coordinator, reason: $0)) }
        guard let invitation else { return nil }
        observer(.invited(run: invitation.run))
        let recipe = invitation.recipe
        observer(.run(.loadingModel(path: cache.resolve(recipe.model.path))))
        let pool = ComputePool(threads: recipe.serverThreadCount)
        let prepared = try PreparedModel(
            recipe, loadedBlocks: recipe.serverBlocks, loading: .atOnce(pool), cache: cache
        ) { observer(.run(.prepared($0))) }
        observer(
            .run(
                .loadedModel(
                    parameters: prepared.model.parameterCount, layers: prepared.model.hyperparameters.layers,
                    seconds: clock.now.seconds)))
        try StageMemory(recipe, model: prepared.model.hyperparameters).check()
        let task = try PromptTask(recipe.task, chat: prepared.chat, tokenizer: prepared.tokenizer)
        let tracer = options.trace?.role(options.id)
        let state = try WorkerState(
            invitation, in: options.state, cache: cache, prepared: prepared, labelTokens: task.labelTokens, pool: pool,
            tracer: tracer
        ) { observer(.skipped(checkpoint: $0, $1)) }
        let log = WorkerLog(state, observer: observer)
        if recipe.training.method.trainsOnDevices {
            let worker = MethodWorker(
                options: options, invitation: invitation, state: state, stop: serverStop, tracer: tracer)
            guard try worker.run(log, client: client, pool: pool, context: context) else { return nil }
        } else {
            let worker = try makeWorker(
                invitation, state, prepared, client: client, pool: pool, context: context, tracer: tracer,
                pulse: pulse)
            self.worker.withLock { $0 = worker }
            if isStopping.load(ordering: .sequentiallyConsistent) { worker.stop() }
            guard try worker.run(observer: log.take) == .completed else { return nil }
        }
        guard let begun = state.begun else { return nil }
        return try finish(begun.setup, state, prepared, log, clock, observer: observer)
    }

    private func makeWorker(
        _ invitation: Invitation, _ state: WorkerState, _ prepared: PreparedModel, client: SocketSecurity,
        pool: ComputePool, context: ZeroMQContext, tracer: Tracer?, pulse: LoopPulse?
    ) throws -> Worker {
        let recipe = invitation.recipe
        let store = try LMDBActivationStore(
            folder: state.storePath, run: invitation.run, codec: recipe.payloadCodec,
            capacityBytes: recipe.store.capacityBytes)
        var configuration = Worker.Configuration(
            run: invitation.run, id: options.id, coordinatorEndpoint: options.coordinator,
            deviceEndpoint: options.listen, epochs: recipe.training.epochs, batch: recipe.training.batch,
            microBatch: recipe.training.microBatch, frozenBlocks: recipe.model.frozenBlocks,
            targetLimit: recipe.targetLimit(vocabularySize: prepared.model.hyperparameters.vocabularySize),
            maximumTokens: recipe.task.maximumTokens, creditBytesPerDevice: recipe.devices.creditBytes)
        configuration.order = recipe.training.order
        configuration.advertisedEndpoint = options.advertised
        configuration.ingestBytes = recipe.store.ingestBytes
        configuration.coordinatorSecurity = client
        configuration.deviceSecurity = try options.security.server(id: options.id, context: context)
        configuration.patience = options.patience
        configuration.tracer = tracer
        configuration.pulse = pulse
        configuration.staysUntilStopped = true
        configuration.endsWhenFull = false
        configuration.handoverFolder = URL(fileURLWithPath: "\(state.folder.path)/handover")
        return try Worker(
            configuration, context: context, forward: FrozenForward(model: prepared.model), store: store, pool: pool,
            training: state.workerTraining)
    }

    /// Scores what was trained where the recipe's test examples are at hand.
    private func finish(
        _ setup: TrainingSetup, _ state: WorkerState, _ prepared: PreparedModel, _ log: WorkerLog, _ clock: RoleClock,
        observer: @escaping @Sendable (News) -> Void
    ) throws -> RunSummary? {
        let recipe = setup.recipe, folder = state.folder
        var score: RunScore?, baseline: RunScore?
        if recipe.evaluation.samples > 0,
            FileManager.default.fileExists(atPath: cache.resolve(recipe.data.testPath ?? recipe.data.path))
        {
            let progress: Scorer.Progress = { [self] done, count in
                if isStopping.load(ordering: .relaxed) {
                    throw RunError.interrupted(folder: folder.path, steps: setup.trainer.step)
                }
                observer(.run(.evaluating(done: done, of: count)))
            }
            let data = try PreparedData(recipe, tokenizer: prepared.tokenizer, chat: prepared.chat, cache: cache)
            let scorer = try Scorer(
                recipe, prepared: prepared, data: data, head: setup.head, frozenBlocks: recipe.blocksBelowTraining,
                pool: setup.pool, progress: progress)
            score = try scorer.score(setup.parameters, progress: progress).score
            if recipe.evaluation.baseline { baseline = try scorer.score(nil, progress: progress).score }
        }
        let summary = log.summary(baseline: baseline, score: score, seconds: clock.now.seconds)
        guard let summary else { return nil }
        try folder.write(json: summary, to: "summary.json")
        observer(.run(.finished(summary)))
        return summary
    }
}
