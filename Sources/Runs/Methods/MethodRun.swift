import Datasets
import Dispatch
import Exchange
import Methods
import Queueing
import Recipes
import Synchronization
import Wire

/// The programs of a method in one process, over `inproc://`: the same frames as between machines. Every role has a thread
/// of its own for its socket, and all of them compute on one pool.
final class MethodRun: Sendable {
    private let setup: TrainingSetup
    private let programs: RecipePrograms
    private let run: String
    private let stopping: ProgramStop
    private let failure = Mutex<(any Error)?>(nil)
    private let totals = Mutex<[String: ProgramTotals]>([:])
    private let headTokens = Atomic(0)

    /// - Parameters:
    ///   - shards: training examples by device.
    ///   - run: the run's id, which every message carries.
    /// - Throws: `TransportError`.
    init(_ setup: TrainingSetup, shards: [[EncodedExample]], run: String) throws {
        self.setup = setup
        self.run = run
        programs = RecipePrograms(setup, shards: shards)
        stopping = try ProgramStop()
    }

    /// Ends the run after what is under way. Callable from any thread.
    func stop() { stopping.request() }

    /// Trains to the end, after which the setup's parameters are what was trained. Blocks the calling thread, which must
    /// not be one of the pool's.
    ///
    /// - Parameter observer: called on the calling thread after every step or round.
    /// - Returns: whether all steps were taken, and the totals of the server and, by id, of the devices.
    /// - Throws: `ExchangeError`, `TransportError`, `MethodError`, `TrainingError`, or what the observer throws.
    func train(
        observer: (Body.StepReport) throws -> Void
    ) throws -> (isCompleted: Bool, server: ProgramTotals, devices: [String: ProgramTotals]) {
        let context = try ZeroMQContext()
        let devices = setup.recipe.devices, ids = devices.cuts.indices.map(devices.id)
        var configuration = ProgramServerConfiguration(
            run: run, id: "worker-1", devices: ids, endpoint: "inproc://worker-1")
        configuration.silenceLimit = .seconds(devices.silenceSeconds)
        let server = try ProgramServer(
            configuration, context: context, program: programs.server, pool: setup.pool, stop: stopping)
        let roles = DispatchGroup()
        for (id, program) in zip(ids, programs.devices) { start(id, program, server.endpoint, context, in: roles) }
        let outcome = Result { () throws -> ProgramServerOutcome in
            var meter = StepMeter(setup)
            return try server.run { event in
                guard case .completed(let progress, let totals) = event else { return }
                let tokens = totals.headTokens + headTokens.load(ordering: .relaxed)
                try observer(meter.report(progress, totals, headTokens: tokens))
            }
        }
        // They were told to leave; until they do, they use the model.
        roles.wait()
        // A device's own words say more than what the server heard of them.
        if case .failure(is ExchangeError) = outcome, let error = failure.withLock({ $0 }) { throw error }
        let ended = try outcome.get()
        programs.finish()
        return (ended.isCompleted, ended.totals, totals.withLock { $0 })
    }

    private func start(
        _ id: String, _ program: any DeviceProgram, _ endpoint: String, _ context: ZeroMQContext,
        in roles: DispatchGroup
    ) {
        RoleThread.start(id, in: roles) { [self] error in
            failure.withLock { $0 = $0 ?? error }
        } _: { [self] in
            var configuration = ProgramDeviceConfiguration(run: run, id: id, endpoint: endpoint)
            configuration.heartbeatInterval = min(.seconds(1), .seconds(setup.recipe.devices.silenceSeconds) / 4)
            let device = try ProgramDevice(configuration, context: context, program: program, pool: setup.pool)
            let found = try device.run { [self] work in
                if let tokens = work.headTokens { headTokens.add(tokens, ordering: .relaxed) }
            }
            totals.withLock { $0[id] = found }
        }
    }
}

extension Recipe {
    /// Passes of a step's batch that end at the head.
    fileprivate var passesPerStep: Int {
        guard training.method.probes else { return 1 }
        return 2 * method.pairs + (training.method == .hosl && method.variant == .paper ? 1 : 0)
    }
}

/// Makes steps and rounds of a method to reports as every method has them.
private struct StepMeter {
    private let setup: TrainingSetup
    private let clock = RoleClock()
    private var last = Duration.zero
    private var lastTokens = 0
    /// Steps so far: where devices have some under way at once, a later one may be taken first.
    private var taken = 0

    init(_ setup: TrainingSetup) { self.setup = setup }

    /// - Parameter headTokens: of both sides so far. With probes a step takes many passes on the same tokens.
    mutating func report(_ progress: MethodProgress, _ totals: ProgramTotals, headTokens: Int) -> Body.StepReport {
        let recipe = setup.recipe, now = clock.now
        let passes = recipe.passesPerStep
        let tokens = headTokens / passes
        defer { (last, lastTokens) = (now, tokens) }
        taken += 1
        return Body.StepReport(
            step: UInt64(taken),
            epoch: UInt32(1 + (taken - 1) * recipe.training.epochs / max(1, setup.totalSteps)),
            loss: progress.loss, accuracy: .nan,
            learningRate: setup.rates.rate(step: taken * setup.budget.localSteps),
            tokens: UInt64(max(0, tokens - lastTokens)), samples: 0, seconds: (now - last).seconds, queueDepth: 0,
            bytesUp: UInt64(totals.bytesReceived))
    }
}
